//! Makes messages of the reminders whose time has come.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use hms_problem::Problem;
use hms_service::{Context, Stop, Work};
use tokio::time::{Instant, sleep};

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
/// How often to forget what is too old.
const FORGET_EACH: Duration = Duration::from_secs(10 * 60);
/// For how long it is remembered what became of an appointment: longer than any event of it may take.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// Does so until the service stops.
pub async fn run(context: Context, desk: Desk, stop: Stop) {
    let mut forget_at = Instant::now();
    while !stop.is_told() {
        // A failure was logged where it happened; the database comes back by itself.
        let rest = look(&context, &desk.house).await.unwrap_or(AFTER_FAILURE);
        if Instant::now() >= forget_at && context.write(forget).await.is_ok() {
            forget_at = Instant::now() + FORGET_EACH;
        }
        tokio::select! {
            () = stop.told() => {}
            () = desk.bells.reminders.notified() => {}
            () = sleep(rest) => {}
        }
    }
}

fn forget(work: &mut Work<'_>) -> Result<(), Problem> {
    appointments::forget(work.db, work.now - REMEMBERED)?;
    Ok(())
}

/// How long there is nothing to do; makes the messages of reminders that are due.
async fn look(context: &Context, house: &Arc<House>) -> Result<Duration, Problem> {
    loop {
        let next = context.database.read(|db| Ok::<_, Problem>(appointments::next_due(db)?)).await?;
        let Some(next) = next else { return Ok(SWEEP) };
        let now = context.clock.now();
        if next > now {
            return Ok((next - now).to_std().unwrap_or(SWEEP).clamp(PAUSE, SWEEP));
        }
        let house = Arc::clone(house);
        if context.write(move |work| make(work, &house)).await? == 0 {
            return Ok(PAUSE);
        }
    }
}

/// Makes messages of some of the reminders that are due; says how many these were.
fn make(work: &mut Work<'_>, house: &House) -> Result<usize, Problem> {
    let due = appointments::take_due(work.db, work.now, BATCH)?;
    let causes = causes(work, &due)?;
    let drafts = draft(work.db, house, causes, work.now)?;
    for message in messages::add_all(work.db, drafts)? {
        tell(work, &message)?;
        enqueue(work, &message)?;
    }
    Ok(due.len())
}

/// What reminders say; nothing of an appointment whose time has come already.
fn causes(work: &mut Work<'_>, due: &[Reminder]) -> Result<Vec<Cause>, Problem> {
    let of: BTreeSet<_> = due.iter().map(|reminder| reminder.appointment_id).collect();
    let mut told = appointments::of(work.db, of)?;
    told.retain(|_, facts| facts.start > work.now);
    let places = departments::names(work.db, told.values().filter_map(|facts| facts.department_id))?;
    let cause = |reminder: &Reminder| {
        let facts = told.get(&reminder.appointment_id)?;
        let place = facts.department_id.and_then(|id| places.get(&id).cloned());
        Some(Cause {
            event_id: reminder.event_id,
            occasion: format!("{}m", reminder.lead),
            kind: Kind::Reminder,
            patient_id: facts.patient_id,
            about: About::Visit(Visit::of(facts, place)),
        })
    };
    Ok(due.iter().filter_map(cause).collect())
}
