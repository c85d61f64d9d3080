//! `GET /appointments/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::AppointmentId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure, Reply};

use crate::domain::Appointment;
use crate::store;

/// One appointment.
#[utoipa::path(tag = "appointments", params(("id" = Uuid, Path, description = "The appointment")),
    responses((status = 200, body = Appointment), Problems), security(("bearer" = ["appointment:read"])))]
#[get("/appointments/{id}")]
pub async fn get(call: Call<scope::AppointmentRead>, id: web::Path<AppointmentId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let appointment = call.read(move |db| Ok(store::find(db, id)?)).await?;
    if !reach.covers_in(appointment.patient_id, appointment.department_id) {
        return Err(Code::NotFound.into());
    }
    call.disclose(Disclosure::one("appointment", id, appointment.patient_id)).await?;
    Ok(Reply::ok(&appointment)?.version(appointment.version))
}
