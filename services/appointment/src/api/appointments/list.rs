//! `GET /appointments`.

use actix_web::{get, web};
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use crate::State;
use crate::api::sight;
use crate::domain::Appointment;
use crate::store::{self, AppointmentFilters};

/// The appointments that the caller may see, newest first: patients see their own, staff all.
#[utoipa::path(tag = "appointments", params(List<AppointmentFilters>),
    responses((status = 200, body = Page<Appointment>), Problems), security(("bearer" = ["appointment:read"])))]
#[get("/appointments")]
pub async fn list(
    call: Call<scope::AppointmentRead>,
    state: web::Data<State>,
    list: List<AppointmentFilters>,
) -> Result<Reply, Problem> {
    let (sight, now) = (sight(&call, &state)?, call.context().clock.now());
    let page = call.read(move |db| Ok(store::list(db, &list, &sight, now)?)).await?;
    let patients = page.results.iter().map(|appointment| appointment.patient_id);
    call.disclose(Disclosure::list("appointment", patients)).await?;
    Reply::ok(&page)
}
