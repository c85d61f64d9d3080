use actix_web::{put, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{PatientView, change, shown, sight};
use crate::domain::PatientDetails;
use crate::records::Records;

/// Replaces all that is known of a patient.
#[utoipa::path(
    tag = "patients", operation_id = "replace_patient", params(("id" = Uuid, Path, description = "The patient.")),
    request_body = PatientDetails,
    responses((status = 200, body = PatientView), Problems), security(("bearer" = ["patient:write"])),
)]
#[put("/patients/{id}")]
pub async fn put(
    call: Call<scope::PatientWrite>,
    records: web::Data<Records>,
    id: web::Path<PatientId>,
    body: Json<PatientDetails>,
) -> Result<Reply, Problem> {
    let (sight, id, details) = (sight(&call, &records.rules)?, id.into_inner(), body.into_inner());
    let reach = sight.reach();
    call.write(move |work| {
        shown(change(work, (id, &sight), Action::Update, |patient, now| {
            patient.replace(details, reach, now)
        })?)
    })
    .await
}
