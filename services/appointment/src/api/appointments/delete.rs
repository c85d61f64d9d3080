//! `DELETE /appointments/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::AppointmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{audit, caller, hold, kind_of, written};
use crate::State;
use crate::api::sight;
use crate::events::{self, Fact};
use crate::store;

/// Calls an appointment off, unless it was before, and hides it: it is in no list and cannot be read any more.
#[utoipa::path(tag = "appointments", params(("id" = Uuid, Path, description = "The appointment")),
    responses((status = 204), Problems), security(("bearer" = ["appointment:write"])))]
#[delete("/appointments/{id}")]
pub async fn delete(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    id: web::Path<AppointmentId>,
) -> Result<Reply, Problem> {
    let (caller, sight, id) = (caller(&call)?, sight(&call, &state)?, id.into_inner());
    call.write(move |work| {
        let held = hold(work, id, &sight)?;
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
