use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use super::{PatientView, check, shown, sight};
use crate::records::Records;

/// Shows a patient.
#[utoipa::path(
    tag = "patients", operation_id = "get_patient", params(("id" = Uuid, Path, description = "The patient.")),
    responses((status = 200, body = PatientView), Problems), security(("bearer" = ["patient:read"])),
)]
#[get("/patients/{id}")]
pub async fn get(
    call: Call<scope::PatientRead>,
    records: web::Data<Records>,
    id: web::Path<PatientId>,
) -> Result<Reply, Problem> {
    let (sight, id, now) = (sight(&call, &records.rules)?, id.into_inner(), call.context().clock.now());
    let patient = records.patients.find(id).await?;
    if sight.is_held_to_care() {
        let seen = patient.clone();
        call.read(move |db| check(&sight, db, &seen, now)).await?;
    } else {
        patient.visible_to(sight.reach())?;
    }
    call.disclose(Disclosure::one("patient", id, id)).await?;
    shown(patient)
}
