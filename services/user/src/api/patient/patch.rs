use actix_web::{patch, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{PatientView, change, shown, sight};
use crate::domain::PatientPatch;
use crate::records::Records;

/// Changes what is named of a patient (RFC 7396). Patients change their own phone, e-mail and address.
#[utoipa::path(
    tag = "patients", operation_id = "change_patient", params(("id" = Uuid, Path, description = "The patient.")),
    request_body = PatientPatch,
    responses((status = 200, body = PatientView), Problems), security(("bearer" = ["patient:write"])),
)]
#[patch("/patients/{id}")]
pub async fn patch(
    call: Call<scope::PatientWrite>,
    records: web::Data<Records>,
    id: web::Path<PatientId>,
    body: Json<PatientPatch>,
) -> Result<Reply, Problem> {
    let (sight, id, patch) = (sight(&call, &records.rules)?, id.into_inner(), body.into_inner());
    let reach = sight.reach();
    call.write(move |work| {
        shown(change(work, (id, &sight), Action::Update, |patient, now| patient.patch(patch, reach, now))?)
    })
    .await
}
