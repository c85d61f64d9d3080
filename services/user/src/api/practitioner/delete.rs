use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::PractitionerId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::change;

/// Takes a practitioner out of use; the record stays, as `inactive`.
#[utoipa::path(
    tag = "practitioners", operation_id = "delete_practitioner", params(("id" = Uuid, Path, description = "The practitioner.")),
    responses((status = 204), Problems), security(("bearer" = ["practitioner:write"])),
)]
#[delete("/practitioners/{id}")]
pub async fn delete(
    call: Call<scope::PractitionerWrite>,
    id: web::Path<PractitionerId>,
) -> Result<Reply, Problem> {
    let id = id.into_inner();
    call.write(move |work| {
        change(work, id, Action::Delete, |practitioner, now| practitioner.retire(now))?;
        Ok(Reply::no_content())
    })
    .await
}
