//! Takes up messages that are due, so that nobody else does while they are being sent.

use chrono::{DateTime, Utc};
use hms_problem::Problem;
use hms_service::Work;

use super::{BATCH, tell};
use crate::Desk;
use crate::device_seal::DeviceSeal;
use crate::domain::{ChannelKind, Message, Status, Subscription, Wishes};
use crate::drafting::of_patient;
use crate::house::House;
use crate::store::messages::{self, Queue};
use crate::store::{patients, preferences, push_subscriptions};

/// What one look at the database found.
pub struct Claim {
    /// What is to be sent now.
    pub taken: Vec<Taken>,
    /// What has come to stand in other queues with it.
    pub others: Vec<Message>,
    /// There may be more that is due.
    pub more: bool,
    /// When the next one is due.
    pub next: Option<DateTime<Utc>>,
}

/// A message that is to be sent now.
pub struct Taken {
    /// The message.
    pub message: Message,
    /// Where a push message goes.
    pub devices: Vec<Subscription>,
}

/// Takes up what is due in a queue.
pub fn claim(work: &mut Work<'_>, queue: Queue, desk: &Desk) -> Result<Claim, Problem> {
    let due = messages::due(work.db, queue, work.now, BATCH)?;
    let more = i64::try_from(due.len()).is_ok_and(|count| count == BATCH);
    let quiet = quiet(work, queue, &due)?;
    let mut claim = Claim { taken: Vec::with_capacity(due.len()), others: Vec::new(), more, next: None };
    for message in due {
        let message = match message.is_waiting() {
            true => heard(work, &desk.house, message, &mut claim.others)?,
            false => message,
        };
        if message.status == Status::Pending && message.channel != queue.channel {
            claim.others.extend(messages::save(work.db, message)?);
            continue;
        }
        if let Some(until) = held_back(&message, &quiet, work.now) {
            messages::save(work.db, message.put_off(until))?;
            continue;
        }
        take_up(work, &desk.devices, message, &mut claim.taken)?;
    }
    claim.next = messages::next_due(work.db, queue)?;
    Ok(claim)
}

fn quiet(work: &mut Work<'_>, queue: Queue, due: &[Message]) -> Result<Vec<Wishes>, Problem> {
    if queue.urgent || due.is_empty() {
        return Ok(Vec::new());
    }
    Ok(preferences::quiet(work.db, due.iter().map(|message| message.cause.patient_id).collect())?)
}

fn held_back(message: &Message, quiet: &[Wishes], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let wishes = quiet.iter().find(|wishes| wishes.patient_id == message.cause.patient_id)?;
    let until = wishes.holds_back(message.cause.lane(), now)?;
    (message.status == Status::Pending).then_some(until)
}

/// A message that waited for word of its patient: it takes the first of the ways that it goes by, and the others get
/// messages of their own. Without word it is given up.
fn heard(
    work: &mut Work<'_>,
    house: &House,
    waiting: Message,
    others: &mut Vec<Message>,
) -> Result<Message, Problem> {
    let Some(patient) = patients::find(work.db, waiting.cause.patient_id)? else {
        return Ok(waiting.given_up());
    };
    let mut drafts = of_patient(work.db, house, waiting.cause.clone(), &patient, work.now)?;
    // The one that is sent keeps its place in the queue, if there is one.
    let first = drafts.iter().position(|draft| draft.channel == waiting.channel).unwrap_or(0);
    if drafts.is_empty() {
        return Ok(waiting);
    }
    let first = drafts.swap_remove(first).in_place_of(&waiting);
    for draft in drafts {
        if messages::add(work.db, &draft)? {
            tell(work, &draft)?;
            others.push(draft);
        }
    }
    Ok(first)
}

fn take_up(
    work: &mut Work<'_>,
    seal: &DeviceSeal,
    message: Message,
    taken: &mut Vec<Taken>,
) -> Result<(), Problem> {
    let message = match message.status {
        Status::Pending => message.taken_up(work.now),
        _ => message,
    };
    let Some(message) = messages::save(work.db, message)? else { return Ok(()) };
    tell(work, &message)?;
    if message.status != Status::Pending {
        return Ok(());
    }
    let devices = match message.channel {
        ChannelKind::Push => {
            let mut devices = push_subscriptions::of(work.db, seal, message.cause.patient_id)?;
            devices.retain(|device| message.is_for(device.id));
            devices
        }
        ChannelKind::Email | ChannelKind::Sms | ChannelKind::InApp => Vec::new(),
    };
    taken.push(Taken { message, devices });
    Ok(())
}
