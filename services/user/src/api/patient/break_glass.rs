use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::event::{AccessBreakGlass, BreakGlassFacts};
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use crate::domain::{BreakGlass, Emergency, may_break_glass};
use crate::records::Records;
use crate::store;

/// Opens a patient's record for a time to somebody who treats, with a reason that the audit keeps and admins see.
#[utoipa::path(
    tag = "patients", operation_id = "break_glass", request_body = Emergency,
    params(("id" = Uuid, Path, description = "The patient.")),
    responses((status = 201, body = BreakGlass), Problems), security(("bearer" = ["patient:break_glass"])),
)]
#[post("/patients/{id}/break-glass")]
pub async fn break_glass(
    call: Call<scope::PatientBreakGlass>,
    records: web::Data<Records>,
    id: web::Path<PatientId>,
    body: Json<Emergency>,
) -> Result<Reply, Problem> {
    let (id, emergency, lifetime) = (id.into_inner(), body.into_inner(), records.rules.break_glass);
    let claims = call.claims()?;
    let by_program = claims.client_id.is_some() || claims.department_id.is_some();
    may_break_glass(&claims.roles, by_program)?;
    let account = claims.sub;
    call.write(move |work| {
        let patient = store::patient::find(work.db, id)?;
        let glass = BreakGlass::open(work.new_id(), (account, patient.id), emergency, work.now, lifetime);
        store::broken_glass::insert(work.db, &glass)?;
        work.publish(&AccessBreakGlass(facts(&glass)))?;
        let act = Act::new(Action::Execute, "break_glass").on(glass.id).of_patient(glass.patient_id);
        work.audit(act.detail(glass.reason.to_string()))?;
        Reply::created(&glass)
    })
    .await
}

fn facts(glass: &BreakGlass) -> BreakGlassFacts {
    BreakGlassFacts {
        break_glass_id: glass.id,
        version: 1,
        account_id: glass.account_id,
        patient_id: glass.patient_id,
        until: glass.until,
    }
}
