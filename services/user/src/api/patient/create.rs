use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::event::PatientCreated;
use hms_model::role::{Reach, scope};
use hms_problem::Problem;
use hms_service::{Act, Call, Reply, Work};

use super::{PatientView, told};
use crate::domain::{Patient, PatientDetails};
use crate::events::patient_facts;
use crate::store::{self, Unwritten};

/// How many numbers are tried before we give up: two are the same by chance once in a million million.
const TRIES: usize = 5;

/// Registers a patient. Staff register anyone; a patient registers themselves, once.
#[utoipa::path(
    tag = "patients", operation_id = "create_patient", request_body = PatientDetails,
    responses((status = 201, body = PatientView), Problems), security(("bearer" = ["patient:write"])),
)]
#[post("/patients")]
pub async fn create(call: Call<scope::PatientWrite>, body: Json<PatientDetails>) -> Result<Reply, Problem> {
    let reach = call.reach()?;
    let details = body.into_inner();
    call.write(move |work| {
        let patient = register(work, details, reach)?;
        work.publish(&PatientCreated(patient_facts(&patient)))?;
        work.audit(Act::new(Action::Create, "patient").on(patient.id).of_patient(patient.id))?;
        let (version, path) = (patient.version, format!("/api/v1/patients/{}", patient.id));
        Ok(Reply::created(&PatientView::from(patient))?.version(version).at(path))
    })
    .await
}

fn register(work: &mut Work<'_>, details: PatientDetails, reach: Reach) -> Result<Patient, Problem> {
    let mut outcome = Err(Unwritten::MrnTaken);
    for _ in 0..TRIES {
        let patient = Patient::register(details.clone(), reach, work.new_id(), work.now)?;
        outcome = store::patient::insert(work.db, &patient).map(|()| patient);
        if !matches!(outcome, Err(Unwritten::MrnTaken)) {
            break;
        }
    }
    outcome.map_err(|unwritten| told(unwritten, reach))
}
