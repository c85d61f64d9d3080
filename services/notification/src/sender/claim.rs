//! Takes up messages that are due, so that nobody else does while they are being sent.

use chrono::{DateTime, Utc};
use hms_bus::GivenUp;
use hms_model::id::NotificationId;
use hms_problem::Problem;
use hms_service::Work;

use super::{enqueue, given_up, tell};
use crate::Desk;
use crate::device_seal::DeviceSeal;
use crate::domain::{ChannelKind, Lane, Message, Status, Subscription, Wishes, is_due, is_used_up};
use crate::drafting::of_patient;
use crate::house::House;
use crate::store::messages::{self, Queue};
use crate::store::{patients, preferences, push_subscriptions};

/// What some jobs came to.
#[derive(Default)]
pub struct Claim {
    /// What is to be sent now.
    pub taken: Vec<Taken>,
    /// What is given up.
    pub given_up: Vec<GivenUp>,
}

/// A message that is to be sent now.
pub struct Taken {
    /// The message.
    pub message: Message,
    /// Where a push message goes.
    pub devices: Vec<Subscription>,
}

/// Takes up those of these messages that are due. What goes another way by now gets a job there.
pub fn claim(
    work: &mut Work<'_>,
    queue: Queue,
    ids: &[NotificationId],
    desk: &Desk,
) -> Result<Claim, Problem> {
    let found = messages::hold_all(work.db, ids)?;
    let (due, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|message| is_due(message.status, message.due_at, work.now));
    // One whose job came once more before it was known to be a dead letter.
    let mut claim = Claim { given_up: others.iter().filter_map(dead).collect(), ..Claim::default() };
    let quiet = quiet(work, queue, &due)?;
    for message in due {
        let message = match message.is_waiting() {
            true => heard(work, &desk.house, message)?,
            false => message,
        };
        if message.status == Status::Pending && message.channel != queue.channel {
            if let Some(message) = messages::save(work.db, message)? {
                enqueue(work, &message)?;
            }
            continue;
        }
        if let Some(until) = held_back(&message, &quiet, work.now) {
            messages::save(work.db, message.put_off(until))?;
            continue;
        }
        take_up(work, &desk.devices, message, &mut claim)?;
    }
    Ok(claim)
}

/// The dead letter of a message that is given up.
pub(super) fn dead(message: &Message) -> Option<GivenUp> {
    let used_up = is_used_up(message.status, message.attempts);
    used_up.then(|| given_up(message.id, message.attempts, message.error.clone()))
}

fn quiet(work: &mut Work<'_>, queue: Queue, due: &[Message]) -> Result<Vec<Wishes>, Problem> {
    if queue.lane == Lane::Urgent || due.is_empty() {
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
fn heard(work: &mut Work<'_>, house: &House, waiting: Message) -> Result<Message, Problem> {
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
            enqueue(work, &draft)?;
        }
    }
    Ok(first)
}

fn take_up(
    work: &mut Work<'_>,
    seal: &DeviceSeal,
    message: Message,
    claim: &mut Claim,
) -> Result<(), Problem> {
    let message = match message.status {
        Status::Pending => message.taken_up(work.now),
        _ => message,
    };
    let Some(message) = messages::save(work.db, message)? else { return Ok(()) };
    tell(work, &message)?;
    if message.status != Status::Pending {
        claim.given_up.extend(dead(&message));
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
    claim.taken.push(Taken { message, devices });
    Ok(())
}
