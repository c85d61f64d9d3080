//! `GET /waitlist/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::WaitlistEntryId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure, Reply};

use super::shown;
use crate::State;
use crate::api::sight;
use crate::domain::Entry;
use crate::store::waitlist;

/// One place on the waitlist, with what is offered to it at present.
#[utoipa::path(tag = "waitlist", operation_id = "get_waitlist_entry",
    params(("id" = Uuid, Path, description = "The place on the waitlist")),
    responses((status = 200, body = Entry), Problems), security(("bearer" = ["appointment:read"])))]
#[get("/waitlist/{id}")]
pub async fn get(
    call: Call<scope::AppointmentRead>,
    state: web::Data<State>,
    id: web::Path<WaitlistEntryId>,
) -> Result<Reply, Problem> {
    let (sight, id, now) = (sight(&call, &state)?, id.into_inner(), call.context().clock.now());
    let entry = call.read(move |db| {
        let entry = waitlist::find(db, id)?;
        if !sight.reach().covers_in(entry.patient_id, entry.department_id) {
            return Err(Code::NotFound.into());
        }
        sight.check(db, entry.patient_id, now)?;
        Ok(entry)
    });
    let entry = entry.await?;
    call.disclose(Disclosure::one("waitlist_entry", id, entry.patient_id)).await?;
    shown(&entry)
}
