//! Writes down how attempts ended, and what that means for their webhooks.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use hms_model::audit::Action;
use hms_model::event::WebhookDisabled;
use hms_model::id::WebhookId;
use hms_model::role::Reach;
use hms_problem::Problem;
use hms_service::{Act, Work};

use super::Tried;
use crate::api::webhooks::WEBHOOK;
use crate::domain::webhook::{Attempt, DisabledReason, Hearing, Hook, Verdict};
use crate::sender::{ACCOUNT_MAILS, job_of};
use crate::store::account_mails;
use crate::store::webhooks::{self, attempts, deliveries};

/// Writes them down. What somebody else has changed meanwhile stays as it is, but the attempt is in the log; what was
/// deleted with its webhook is gone.
pub fn settle(work: &mut Work<'_>, tried: &[Tried]) -> Result<(), Problem> {
    // Webhooks before deliveries: whoever switches one off by hand takes their rows in this order too.
    let off = hear(work, tried)?;
    let outcome = |one: &Tried| one.delivery.clone().tried(&one.attempt.outcome, fastrand::f64(), work.now);
    let saved = deliveries::save_all(work.db, tried.iter().map(outcome).collect())?;
    let saved: HashSet<_> = saved.into_iter().map(|delivery| delivery.id).collect();
    let mut made = Vec::with_capacity(tried.len());
    for one in tried {
        let id = one.delivery.id;
        if !saved.contains(&id) {
            tracing::warn!(delivery = %id, "a delivery was changed while it was being sent");
        }
        if saved.contains(&id) || deliveries::is_there(work.db, id)? {
            made.push(&one.attempt);
        }
    }
    attempts::add_all(work.db, &made)?;
    for (id, reason) in off {
        deliveries::give_up(work.db, id, &format!("the webhook was switched off: {reason}"), work.now)?;
    }
    Ok(())
}

/// What the attempts mean for their webhooks, which stay as they are until the end; gives those that were switched off.
fn hear(work: &mut Work<'_>, tried: &[Tried]) -> Result<Vec<(WebhookId, DisabledReason)>, Problem> {
    let mut attempts: BTreeMap<WebhookId, Vec<&Attempt>> = BTreeMap::new();
    for one in tried {
        attempts.entry(one.delivery.webhook_id).or_default().push(&one.attempt);
    }
    let mut off = Vec::new();
    for (id, attempts) in attempts {
        let hook = match webhooks::find(work.db, id, Reach::Everyone) {
            Err(hms_db::Error::NotFound) => continue,
            found => found?,
        };
        if hears(&hook, &attempts, work.now) == Hearing::Nothing {
            webhooks::keep(work.db, id)?;
            continue;
        }
        let hook = match webhooks::hold(work.db, id, Reach::Everyone) {
            Err(hms_db::Error::NotFound) => continue,
            held => held?,
        };
        match hears(&hook, &attempts, work.now) {
            Hearing::Nothing => {}
            Hearing::FailingSince(since) => webhooks::fails_since(work.db, id, since)?,
            Hearing::Disable(reason) => {
                switch_off(work, hook, reason)?;
                off.push((id, reason));
            }
        }
    }
    Ok(off)
}

/// What follows from these for a webhook as it is now: what was asked before it was changed the last time, such as switched on
/// again, or led somewhere else, says nothing of that.
fn hears(hook: &Hook, attempts: &[&Attempt], now: DateTime<Utc>) -> Hearing {
    let since = attempts.iter().filter(|attempt| attempt.at >= hook.updated_at);
    let verdict = since.map(|attempt| attempt.outcome.verdict()).reduce(stronger);
    verdict.map_or(Hearing::Nothing, |verdict| hook.hears(verdict, now))
}

/// Of several attempts that ended together: that the receiver is gone, then that it was reached.
fn stronger(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Gone, _) | (_, Verdict::Gone) => Verdict::Gone,
        (Verdict::Delivered, _) | (_, Verdict::Delivered) => Verdict::Delivered,
        (Verdict::Failed, Verdict::Failed) => Verdict::Failed,
    }
}

fn switch_off(work: &mut Work<'_>, hook: Hook, reason: DisabledReason) -> Result<(), Problem> {
    let hook = hook.off(reason, work.now);
    webhooks::save(work.db, &hook)?;
    if let Some(mail) = hook.farewell((work.new_id(), work.new_id()), work.now) {
        for mail in account_mails::add_all(work.db, vec![mail])? {
            work.enqueue(ACCOUNT_MAILS.name(), &job_of(&mail))?;
        }
    }
    work.publish(&WebhookDisabled {
        webhook_id: hook.id,
        version: hook.version,
        account_id: hook.account_id,
        reason: reason.to_string(),
    })?;
    work.audit(Act::new(Action::Update, WEBHOOK).on(hook.id).detail(format!("switched off: {reason}")))
}
