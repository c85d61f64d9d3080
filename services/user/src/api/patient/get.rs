use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use super::{PatientView, check, shown, sight};
use crate::config::RecordRules;
use crate::store;

/// Shows a patient.
#[utoipa::path(
    tag = "patients", operation_id = "get_patient", params(("id" = Uuid, Path, description = "The patient.")),
    responses((status = 200, body = PatientView), Problems), security(("bearer" = ["patient:read"])),
)]
#[get("/patients/{id}")]
pub async fn get(
    call: Call<scope::PatientRead>,
    rules: web::Data<RecordRules>,
    id: web::Path<PatientId>,
) -> Result<Reply, Problem> {
    let (sight, id, now) = (sight(&call, &rules)?, id.into_inner(), call.context().clock.now());
    let patient = call.read(move |db| {
        let patient = store::patient::find(db, id)?;
        check(&sight, db, &patient, now)?;
        Ok(patient)
    });
    let patient = patient.await?;
    call.disclose(Disclosure::one("patient", id, id)).await?;
    shown(patient)
}
