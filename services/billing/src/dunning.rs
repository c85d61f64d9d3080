//! The dunning of the day: once, whichever replica comes first.

use std::time::Duration;

use hms_model::audit::Action;
use hms_problem::Problem;
use hms_service::{Context, Stop, Work};

use crate::books;
use crate::domain::dunning::Steps;
use crate::store;

const JOB: &str = "dunning";
/// How often to look whether a new day has begun.
const EVERY: Duration = Duration::from_secs(3_600);
/// Invoices in one unit of work.
const BATCH: i64 = 200;

/// What one unit of work has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Invoices that are on a higher level now.
    pub raised: usize,
    /// Nothing is left to do today.
    pub done: bool,
}

/// Duns until the service stops.
pub async fn run(context: Context, steps: Steps, stop: Stop) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.told() => return,
            _ = ticks.tick() => {}
        }
        while !stop.is_told() {
            match context.write(move |work| round(work, steps)).await {
                Ok(Round { done: false, .. }) => {}
                // A failure was logged where it happened; the next hour tries again.
                Ok(_) | Err(_) => break,
            }
        }
    }
}

/// Raises a batch of invoices to the level that is due today, the highest first. Whoever does it holds the job.
pub fn round(work: &mut Work<'_>, steps: Steps) -> Result<Round, Problem> {
    let today = work.now.date_naive();
    if !store::jobs::hold(work.db, JOB, today)? {
        return Ok(Round { raised: 0, done: true });
    }
    for level in [3_usize, 2, 1] {
        let Some(before) = steps.due_before(level, today) else { continue };
        let level = i64::try_from(level).unwrap_or_default();
        let due = store::invoices::overdue(work.db, before, level, BATCH)?;
        for invoice in &due {
            let next = invoice.dunned(level, work.now);
            books::written(store::invoices::save(work.db, &next))?;
            books::audit(work, Action::Update, &next, &format!("dunning level {level}"))?;
        }
        if !due.is_empty() {
            return Ok(Round { raised: due.len(), done: false });
        }
    }
    store::jobs::done(work.db, JOB, today)?;
    Ok(Round { raised: 0, done: true })
}
