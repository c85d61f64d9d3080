//! Makes messages of the reminders whose time has come.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use hms_problem::Problem;
use hms_service::{Context, Stop, Work};
use tokio::time::sleep;

use crate::Desk;
use crate::domain::{About, Cause, Kind, Reminder, Visit};
use crate::drafting::draft;
use crate::house::House;
use crate::sender::{enqueue, tell};
use crate::store::{appointments, departments, messages};

/// Reminders that become messages in one transaction.
const BATCH: i64 = 100;
/// How often to look although nobody asked.
const SWEEP: Duration = Duration::from_secs(30);
/// How long to leave reminders alone that another replica is just taking.
const PAUSE: Duration = Duration::from_secs(1);
/// How long to leave the database alone after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// For how long it is remembered what became of an appointment: longer than any event of it may take.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// What one look at the database came to.
struct Made {
    more: bool,
    rest: Duration,
}

/// Does so until the service stops.
pub async fn run(context: Context, desk: Desk, stop: Stop) {
    while !stop.is_told() {
        let house = Arc::clone(&desk.house);
        let rest = match context.write(move |work| make(work, &house)).await {
            Ok(made) => {
                if made.more {
                    continue;
                }
                made.rest
            }
            // It was logged where it happened; the database comes back by itself.
            Err(_) => AFTER_FAILURE,
        };
        tokio::select! {
            () = stop.told() => {}
            () = desk.bells.reminders.notified() => {}
            () = sleep(rest) => {}
        }
    }
}

fn make(work: &mut Work<'_>, house: &House) -> Result<Made, Problem> {
    let due = appointments::take_due(work.db, work.now, BATCH)?;
    let more = i64::try_from(due.len()).is_ok_and(|count| count == BATCH);
    for reminder in due {
        let Some(cause) = cause(work, &reminder)? else { continue };
        for message in draft(work.db, house, cause, work.now)? {
            if messages::add(work.db, &message)? {
                tell(work, &message)?;
                enqueue(work, &message)?;
            }
        }
    }
    appointments::forget(work.db, work.now - REMEMBERED)?;
    let next = appointments::next_due(work.db)?.and_then(|due| (due - work.now).to_std().ok());
    Ok(Made { more, rest: next.unwrap_or(SWEEP).clamp(PAUSE, SWEEP) })
}

/// What a reminder says; nothing of an appointment whose time has come already.
fn cause(work: &mut Work<'_>, reminder: &Reminder) -> Result<Option<Cause>, Problem> {
    let Some(facts) = appointments::find(work.db, reminder.appointment_id)? else { return Ok(None) };
    if facts.start <= work.now {
        return Ok(None);
    }
    let place = departments::name(work.db, facts.department_id)?;
    Ok(Some(Cause {
        event_id: reminder.event_id,
        occasion: format!("{}m", reminder.lead),
        kind: Kind::Reminder,
        patient_id: facts.patient_id,
        about: About::Visit(Visit::of(&facts, place)),
    }))
}
