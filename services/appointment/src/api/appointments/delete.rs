//! `DELETE /appointments/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::AppointmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{audit, caller, hold, kind_of, written};
use crate::events::{self, Fact};
use crate::store;

/// Calls an appointment off, unless it was before, and hides it: it is in no list and cannot be read any more.
#[utoipa::path(tag = "appointments", params(("id" = Uuid, Path, description = "The appointment")),
    responses((status = 204), Problems), security(("bearer" = ["appointment:write"])))]
#[delete("/appointments/{id}")]
pub async fn delete(
    call: Call<scope::AppointmentWrite>,
    id: web::Path<AppointmentId>,
) -> Result<Reply, Problem> {
    let (caller, id) = (caller(&call)?, id.into_inner());
    call.write(move |work| {
        let held = hold(work, id, caller.reach)?;
        let kind = kind_of(work, &held.appointment)?;
        let next = held.appointment.remove(kind.as_ref(), caller.is_patient(), work.now)?;
        written(store::hide(work.db, &held.appointment, &next))?;
        if held.appointment.status != next.status {
            events::publish(work, &next, &held.practitioner_name, Fact::Status)?;
        }
        audit(work, Action::Delete, &next, "status")?;
        Ok(Reply::no_content())
    })
    .await
}
