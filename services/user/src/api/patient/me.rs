use actix_web::get;
use hms_api::Problems;
use hms_db::Error;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure, Reply};

use super::{PatientView, shown};
use crate::store;

/// Shows the caller's own patient record.
#[utoipa::path(
    tag = "patients", operation_id = "get_own_patient",
    responses((status = 200, body = PatientView), Problems), security(("bearer" = ["patient:read"])),
)]
#[get("/patients/me")]
pub async fn me(call: Call<scope::PatientRead>) -> Result<Reply, Problem> {
    let (account_id, patient_id) = (call.claims()?.sub, call.claims()?.patient_id);
    let own = call.read(move |db| {
        let found = match patient_id {
            Some(id) => store::patient::find(db, id),
            // The token may be older than the record.
            None => store::patient::find_of_account(db, account_id),
        };
        found.map_err(|error| match error {
            Error::NotFound => nobody(),
            other => other.into(),
        })
    });
    let patient = own.await?;
    call.disclose(Disclosure::one("patient", patient.id, patient.id)).await?;
    shown(patient)
}

fn nobody() -> Problem {
    Problem::new(Code::NotFound)
        .message("Your account has no patient record yet: register yourself with POST /api/v1/patients.")
}
