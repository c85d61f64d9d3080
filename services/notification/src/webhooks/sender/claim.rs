//! Takes up what is due, in turn and by the room that there is for each webhook.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use hms_model::role::Reach;
use hms_problem::Problem;
use hms_service::Work;

use super::lanes::{Lanes, Room};
use super::{PAUSE, SWEEP};
use crate::domain::webhook::{Delivery, DeliveryStatus, Hook};
use crate::store::webhooks::{self, deliveries};

/// What one look at the database found.
pub struct Claim {
    pub taken: Vec<Taken>,
    /// How long there is nothing more to take up, as far as is known.
    pub rest: Duration,
}

/// Deliveries to one webhook that were taken up.
pub struct Taken {
    pub hook: Hook,
    pub deliveries: Vec<Delivery>,
    /// There may be more that is due to it.
    pub more: bool,
}

/// Takes up deliveries that are due, so that nobody else does while they are being sent.
pub fn claim(work: &mut Work<'_>, room: &Room, lanes: &Lanes) -> Result<Claim, Problem> {
    let full = room.full();
    let mut taken = Vec::new();
    for id in deliveries::webhooks_due(work.db, work.now, &full)? {
        let hook = webhooks::find(work.db, id, Reach::Everyone)?;
        let room = room.of(id);
        let due = deliveries::due(work.db, id, work.now, i64::try_from(room).unwrap_or(1))?;
        let more = due.len() >= room;
        // What is still in hand here after its lease ends here.
        let mine = due.into_iter().filter(|delivery| !lanes.has(delivery.id));
        let mine = mine.map(|delivery| delivery.taken_up(work.now)).collect();
        let mut deliveries = deliveries::save_all(work.db, mine)?;
        deliveries.retain(|delivery| delivery.status == DeliveryStatus::Pending);
        if !deliveries.is_empty() {
            taken.push(Taken { hook, deliveries, more });
        }
    }
    if !taken.is_empty() {
        return Ok(Claim { taken, rest: PAUSE });
    }
    // What is due to a webhook without room is looked for when there is some.
    let next = deliveries::next_due(work.db, &full)?;
    let next = next.map(|due| (due - work.now).to_std().unwrap_or_default());
    Ok(Claim { taken, rest: next.unwrap_or(SWEEP).clamp(PAUSE, SWEEP) })
}

/// Forgets some of what has ended long ago.
pub fn prune(work: &mut Work<'_>, keep: TimeDelta) -> Result<(), Problem> {
    Ok(deliveries::prune(work.db, work.now - keep)?)
}

/// Puts back what was taken up and not tried, as far as nobody has changed it since.
pub fn put_back(work: &mut Work<'_>, waited: &[Delivery]) -> Result<(), Problem> {
    if waited.is_empty() {
        return Ok(());
    }
    // Webhooks before deliveries, as in `settle`.
    let hooks: BTreeSet<_> = waited.iter().map(|delivery| delivery.webhook_id).collect();
    hooks.into_iter().try_for_each(|id| webhooks::keep(work.db, id))?;
    let back = waited.iter().map(|delivery| delivery.clone().put_back(work.now)).collect();
    deliveries::save_all(work.db, back)?;
    Ok(())
}
