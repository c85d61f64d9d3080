//! Sees to it that every message that is due has a job: when it becomes due, which is long after it was written for what is
//! tried again or waits for the end of quiet hours, and when its job was lost, as with a broker that was emptied.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hms_db::Db;
use hms_model::job::SendMessage;
use hms_problem::Problem;
use hms_service::{Context, Stop, Work};
use tokio::time::sleep;

use super::accounts::{self, ACCOUNT_MAILS};
use crate::bells::Bells;
use crate::domain::{Lane, lost_after, needs_job};
use crate::store::messages::Queue;
use crate::store::{account_mails, messages};

/// Messages of one lane that get a job in one transaction.
const BATCH: i64 = 100;
/// How often to look although nobody asked: for messages of a process that died.
const SWEEP: Duration = Duration::from_secs(30);
/// How long to leave messages alone that another replica is just looking at.
const PAUSE: Duration = Duration::from_secs(1);
/// How long to leave the database alone after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Does so until the service stops.
pub async fn run(context: Context, bells: Bells, stop: Stop) {
    while !stop.is_told() {
        // A failure was logged where it happened; the database comes back by itself.
        let rest = look(&context).await.unwrap_or(AFTER_FAILURE);
        tokio::select! {
            () = stop.told() => {}
            () = bells.keeper.notified() => {}
            () = sleep(rest) => {}
        }
    }
}

/// Returns how long there is nothing more to do.
async fn look(context: &Context) -> Result<Duration, Problem> {
    loop {
        let next = context.database.read(|db| Ok::<_, Problem>(next_job(db)?)).await?;
        let Some(next) = next else { return Ok(SWEEP) };
        let now = context.clock.now();
        if next > now {
            return Ok((next - now).to_std().unwrap_or(SWEEP).clamp(PAUSE, SWEEP));
        }
        let asking = context.clone();
        if context.write(move |work| give_jobs(work, &asking)).await? == 0 {
            return Ok(PAUSE);
        }
    }
}

/// When something is to be given a job next.
fn next_job(db: &mut Db) -> hms_db::Result<Option<DateTime<Utc>>> {
    Ok(account_mails::next_job(db)?.into_iter().chain(messages::next_job(db)?).min())
}

/// Gives jobs to what is due, as much as one transaction may; says how many it has looked at.
fn give_jobs(work: &mut Work<'_>, context: &Context) -> Result<usize, Problem> {
    let is_empty = |queue: Queue| context.jobs_waiting(queue.name()) == Some(0);
    let mut count = give_to_accounts(work, is_empty(ACCOUNT_MAILS))?;
    for lane in Lane::ALL {
        let waiting = messages::without_job(work.db, lane, work.now, BATCH)?;
        count += waiting.len();
        let mut looked_at = Vec::with_capacity(waiting.len());
        for message in waiting {
            // The version before knows nothing of jobs, and may have put it off.
            if message.due_at > work.now {
                messages::have_job(work.db, &[message.id], message.due_at)?;
                continue;
            }
            let queue = Queue::of(&message);
            if needs_job(message.due_at, message.job_at, is_empty(queue)) {
                work.enqueue(queue.name(), &SendMessage { notification_id: message.id })?;
            }
            looked_at.push(message.id);
        }
        messages::have_job(work.db, &looked_at, lost_after(work.now))?;
    }
    Ok(count)
}

fn give_to_accounts(work: &mut Work<'_>, is_queue_empty: bool) -> Result<usize, Problem> {
    let waiting = account_mails::without_job(work.db, work.now, BATCH)?;
    let count = waiting.len();
    let mut looked_at = Vec::with_capacity(count);
    for (mail, job_at) in waiting {
        if mail.due_at > work.now {
            account_mails::have_job(work.db, &[mail.id], mail.due_at)?;
            continue;
        }
        if needs_job(mail.due_at, job_at, is_queue_empty) {
            work.enqueue(ACCOUNT_MAILS.name(), &accounts::job(&mail))?;
        }
        looked_at.push(mail.id);
    }
    account_mails::have_job(work.db, &looked_at, lost_after(work.now))?;
    Ok(count)
}
