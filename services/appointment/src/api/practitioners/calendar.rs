//! `GET /practitioners/{id}/calendar.ics`.

use actix_web::{HttpResponse, get, web};
use chrono::TimeDelta;
use hms_api::Problems;
use hms_model::TimeSlot;
use hms_model::id::PractitionerId;
use hms_model::role::{Reach, scope};
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure};

use crate::api::sight;
use crate::{State, ics, store};

/// How far back the calendar reaches.
const BACK: TimeDelta = TimeDelta::days(31);
/// How far ahead.
const AHEAD: TimeDelta = TimeDelta::days(366);

/// The appointments of a practitioner as a calendar (RFC 5545), for calendar programs: from a month ago to a year ahead,
/// without names. For staff; a program reads it with an API key.
#[utoipa::path(tag = "appointments", params(("id" = Uuid, Path, description = "The practitioner")),
    operation_id = "get_practitioner_calendar",
    responses((status = 200, body = String, content_type = "text/calendar", description = "The calendar"), Problems),
    security(("bearer" = ["appointment:read"])))]
#[get("/practitioners/{id}/calendar.ics")]
pub async fn calendar(
    call: Call<scope::AppointmentRead>,
    state: web::Data<State>,
    id: web::Path<PractitionerId>,
) -> Result<HttpResponse, Problem> {
    let (sight, id, now) = (sight(&call, &state)?, id.into_inner(), call.context().clock.now());
    let department = match sight.reach() {
        Reach::Everyone => None,
        Reach::Department { department_id } => Some(department_id),
        Reach::Own { .. } => return Err(Problem::new(Code::Forbidden).message("Only staff may do this.")),
    };
    let window = TimeSlot::new(now - BACK, now + AHEAD).map_err(|_| Code::Internal)?;
    let (name, appointments) =
        call.read(move |db| Ok(store::calendar_of(db, id, department, window, &sight, now)?)).await?;
    let patients = appointments.iter().map(|appointment| appointment.patient_id);
    call.disclose(Disclosure::list("appointment", patients)).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/calendar; charset=utf-8")
        .insert_header(("Content-Disposition", "inline; filename=\"calendar.ics\""))
        .body(ics::calendar(&name, &appointments)))
}
