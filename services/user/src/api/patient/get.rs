use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use super::{PatientView, shown};
use crate::store;

/// Shows a patient.
#[utoipa::path(
    tag = "patients", operation_id = "get_patient", params(("id" = Uuid, Path, description = "The patient.")),
    responses((status = 200, body = PatientView), Problems), security(("bearer" = ["patient:read"])),
)]
#[get("/patients/{id}")]
pub async fn get(call: Call<scope::PatientRead>, id: web::Path<PatientId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let patient = call.read(move |db| Ok(store::patient::find(db, id)?)).await?;
    patient.visible_to(reach)?;
    call.disclose(Disclosure::one("patient", id, id)).await?;
    shown(patient)
}
