use actix_web::{put, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::PractitionerId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{PractitionerView, change, shown};
use crate::domain::PractitionerDetails;

/// Replaces all that is known of a practitioner.
#[utoipa::path(
    tag = "practitioners", operation_id = "replace_practitioner", params(("id" = Uuid, Path, description = "The practitioner.")),
    request_body = PractitionerDetails,
    responses((status = 200, body = PractitionerView), Problems), security(("bearer" = ["practitioner:write"])),
)]
#[put("/practitioners/{id}")]
pub async fn put(
    call: Call<scope::PractitionerWrite>,
    id: web::Path<PractitionerId>,
    body: Json<PractitionerDetails>,
) -> Result<Reply, Problem> {
    let (id, details) = (id.into_inner(), body.into_inner());
    call.write(move |work| {
        shown(change(work, id, Action::Update, |practitioner, now| practitioner.replace(details, now))?)
    })
    .await
}
