//! `GET /appointments/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::AppointmentId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure, Reply};

use crate::State;
use crate::api::sight;
use crate::domain::Appointment;
use crate::store;

/// One appointment.
#[utoipa::path(tag = "appointments", params(("id" = Uuid, Path, description = "The appointment")),
    responses((status = 200, body = Appointment), Problems), security(("bearer" = ["appointment:read"])))]
#[get("/appointments/{id}")]
pub async fn get(
    call: Call<scope::AppointmentRead>,
    state: web::Data<State>,
    id: web::Path<AppointmentId>,
) -> Result<Reply, Problem> {
    let (sight, id, now) = (sight(&call, &state)?, id.into_inner(), call.context().clock.now());
    let appointment = call.read(move |db| {
        let appointment = store::find(db, id)?;
        if !sight.reach().covers_in(appointment.patient_id, appointment.department_id) {
            return Err(Code::NotFound.into());
        }
        sight.check(db, appointment.patient_id, now)?;
        Ok(appointment)
    });
    let appointment = appointment.await?;
    call.disclose(Disclosure::one("appointment", id, appointment.patient_id)).await?;
    Ok(Reply::ok(&appointment)?.version(appointment.version))
}
