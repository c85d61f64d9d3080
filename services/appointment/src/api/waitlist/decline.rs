//! `POST /waitlist/{id}/decline`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::id::WaitlistEntryId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{hold, shown};
use crate::State;
use crate::api::sight;
use crate::domain::{Entry, EntryStatus, OfferStatus, Refusal};
use crate::offering::{audit, give_back};

/// Does not want the time that is offered, and waits for another one. The time goes on to the next.
#[utoipa::path(tag = "waitlist", operation_id = "decline_offer",
    params(("id" = Uuid, Path, description = "The place on the waitlist")),
    responses((status = 200, body = Entry), Problems), security(("bearer" = ["appointment:write"])))]
#[post("/waitlist/{id}/decline")]
pub async fn decline(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    id: web::Path<WaitlistEntryId>,
) -> Result<Reply, Problem> {
    let (sight, id) = (sight(&call, &state)?, id.into_inner());
    let reply = call
        .write(move |work| {
            let entry = hold(work, id, &sight)?;
            if entry.status != EntryStatus::Offered {
                return Err(Refusal::IllegalEntry(entry.status).into());
            }
            let next = give_back(work, &entry, OfferStatus::Declined, EntryStatus::Waiting)?;
            audit(work, &next, "declined")?;
            shown(&next)
        })
        .await?;
    state.offering.notify_one();
    Ok(reply)
}
