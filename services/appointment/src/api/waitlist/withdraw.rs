//! `DELETE /waitlist/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::id::WaitlistEntryId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::hold;
use crate::State;
use crate::api::sight;
use crate::domain::{EntryStatus, OfferStatus};
use crate::offering::{audit, give_back};

/// Waits no more; what was offered goes on to the next.
#[utoipa::path(tag = "waitlist", operation_id = "withdraw_waitlist_entry",
    params(("id" = Uuid, Path, description = "The place on the waitlist")),
    responses((status = 204), Problems), security(("bearer" = ["appointment:write"])))]
#[delete("/waitlist/{id}")]
pub async fn withdraw(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    id: web::Path<WaitlistEntryId>,
) -> Result<Reply, Problem> {
    let (sight, id) = (sight(&call, &state)?, id.into_inner());
    let reply = call
        .write(move |work| {
            let entry = hold(work, id, &sight)?;
            let next = give_back(work, &entry, OfferStatus::Withdrawn, EntryStatus::Withdrawn)?;
            audit(work, &next, "withdrawn")?;
            Ok(Reply::no_content())
        })
        .await?;
    state.offering.notify_one();
    Ok(reply)
}
