//! Takes up what is due, in turn and by the free places of each webhook.

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use hms_model::id::WebhookId;
use hms_model::role::Reach;
use hms_problem::Problem;
use hms_service::Work;

use super::{PAUSE, PLACES, SWEEP};
use crate::domain::webhook::{Delivery, DeliveryStatus, Hook};
use crate::store::webhooks::{self, deliveries};

/// What one look at the database found.
pub struct Claim {
    pub taken: Vec<Claimed>,
    /// How long there is nothing more to take up, as far as is known.
    pub rest: Duration,
}

/// A delivery and where it goes.
pub struct Claimed {
    pub hook: Hook,
    pub delivery: Delivery,
}

/// Takes up deliveries that are due, so that nobody else does while they are being sent.
pub fn claim(
    work: &mut Work<'_>,
    under_way: &HashMap<WebhookId, usize>,
    keep: TimeDelta,
) -> Result<Claim, Problem> {
    if under_way.is_empty() {
        deliveries::prune(work.db, work.now - keep)?;
    }
    let full: Vec<_> = under_way.iter().filter(|(_, places)| **places >= PLACES).map(|(id, _)| *id).collect();
    let mut taken = Vec::new();
    for id in deliveries::webhooks_due(work.db, work.now, &full)? {
        let free = PLACES - under_way.get(&id).copied().unwrap_or_default().min(PLACES);
        let hook = webhooks::find(work.db, id, Reach::Everyone)?;
        let limit = i64::try_from(free).unwrap_or(1);
        let due = deliveries::due(work.db, id, work.now, limit)?;
        let mine = due.into_iter().map(|delivery| delivery.taken_up(work.now)).collect();
        let pending = deliveries::save_all(work.db, mine)?.into_iter();
        let pending = pending.filter(|delivery| delivery.status == DeliveryStatus::Pending);
        taken.extend(pending.map(|delivery| Claimed { hook: hook.clone(), delivery }));
    }
    if !taken.is_empty() {
        return Ok(Claim { taken, rest: PAUSE });
    }
    // What is due to a webhook without a free place is looked for when a place becomes free.
    let next = deliveries::next_due(work.db, &full)?.and_then(|due| (due - work.now).to_std().ok());
    Ok(Claim { taken, rest: next.unwrap_or(SWEEP).clamp(PAUSE, SWEEP) })
}
