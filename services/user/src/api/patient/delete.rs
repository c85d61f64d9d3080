use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{change, sight};
use crate::records::Records;

/// Takes a patient's record out of use; it stays, as `inactive`.
#[utoipa::path(
    tag = "patients", operation_id = "delete_patient", params(("id" = Uuid, Path, description = "The patient.")),
    responses((status = 204), Problems), security(("bearer" = ["patient:write"])),
)]
#[delete("/patients/{id}")]
pub async fn delete(
    call: Call<scope::PatientWrite>,
    records: web::Data<Records>,
    id: web::Path<PatientId>,
) -> Result<Reply, Problem> {
    let (sight, id) = (sight(&call, &records.rules)?, id.into_inner());
    let reach = sight.reach();
    call.write(move |work| {
        change(work, (id, &sight), Action::Delete, |patient, now| patient.retire(reach, now))?;
        Ok(Reply::no_content())
    })
    .await
}
