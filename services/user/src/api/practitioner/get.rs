use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::PractitionerId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{PractitionerView, shown};
use crate::store;

/// Shows a practitioner.
#[utoipa::path(
    tag = "practitioners", operation_id = "get_practitioner", params(("id" = Uuid, Path, description = "The practitioner.")),
    responses((status = 200, body = PractitionerView), Problems), security(("bearer" = ["practitioner:read"])),
)]
#[get("/practitioners/{id}")]
pub async fn get(
    call: Call<scope::PractitionerRead>,
    id: web::Path<PractitionerId>,
) -> Result<Reply, Problem> {
    let id = id.into_inner();
    shown(call.read(move |db| Ok(store::practitioner::find(db, id)?)).await?)
}
