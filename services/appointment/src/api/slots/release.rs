//! `DELETE /slots/hold/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::HoldId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use crate::State;
use crate::domain::Opening;
use crate::store::{self, waitlist};

/// Lets a slot go before its time; only whoever holds it can. It goes to whoever waits for it.
#[utoipa::path(tag = "slots", operation_id = "release_slot", params(("id" = Uuid, Path, description = "The hold")),
    responses((status = 204), Problems), security(("bearer" = ["appointment:write"])))]
#[delete("/slots/hold/{id}")]
pub async fn release(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    id: web::Path<HoldId>,
) -> Result<Reply, Problem> {
    let (account, id) = (call.claims()?.sub, id.into_inner());
    let reply = call
        .write(move |work| {
            let hold = store::holds::hold(work.db, id)?.filter(|hold| hold.held_by == account);
            let hold = hold.ok_or(Code::NotFound)?;
            store::holds::release(work.db, id)?;
            waitlist::open(work.db, &Opening::let_go(&hold), work.now)?;
            work.audit(Act::new(Action::Delete, "hold").on(id))?;
            Ok(Reply::no_content())
        })
        .await?;
    state.offering.notify_one();
    Ok(reply)
}
