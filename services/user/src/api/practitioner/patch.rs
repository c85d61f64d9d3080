use actix_web::{patch, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::PractitionerId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{PractitionerView, change, shown};
use crate::domain::PractitionerPatch;

/// Changes what is named of a practitioner (RFC 7396).
#[utoipa::path(
    tag = "practitioners", operation_id = "change_practitioner", params(("id" = Uuid, Path, description = "The practitioner.")),
    request_body = PractitionerPatch,
    responses((status = 200, body = PractitionerView), Problems), security(("bearer" = ["practitioner:write"])),
)]
#[patch("/practitioners/{id}")]
pub async fn patch(
    call: Call<scope::PractitionerWrite>,
    id: web::Path<PractitionerId>,
    body: Json<PractitionerPatch>,
) -> Result<Reply, Problem> {
    let (id, patch) = (id.into_inner(), body.into_inner());
    call.write(move |work| {
        shown(change(work, id, Action::Update, |practitioner, now| practitioner.patch(patch, now))?)
    })
    .await
}
