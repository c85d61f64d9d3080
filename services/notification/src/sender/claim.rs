//! Takes up messages that are due, so that nobody else does while they are being sent.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use hms_bus::GivenUp;
use hms_model::id::{NotificationId, PatientId};
use hms_problem::Problem;
use hms_service::Work;

use super::{enqueue, given_up, tell};
use crate::Desk;
use crate::device_seal::DeviceSeal;
use crate::domain::{ChannelKind, Lane, Message, Status, Subscription, Wishes, is_due, is_used_up};
use crate::drafting::draft_for;
use crate::house::House;
use crate::store::messages::{self, Queue};
use crate::store::{contacts, preferences, push_subscriptions};

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
    let due = heard(work, &desk.house, due)?;
    let (mut changed, mut put_off) = (Vec::with_capacity(due.len()), HashSet::new());
    for message in due {
        changed.push(if goes_elsewhere(&message, queue) {
            message
        } else if let Some(until) = held_back(&message, &quiet, work.now) {
            put_off.insert(message.id);
            message.put_off(until)
        } else {
            match message.status {
                Status::Pending => message.taken_up(work.now),
                _ => message,
            }
        });
    }
    let mut taken = Vec::new();
    for message in messages::save_all(work.db, changed)? {
        if goes_elsewhere(&message, queue) {
            enqueue(work, &message)?;
        } else if !put_off.contains(&message.id) {
            tell(work, &message)?;
            match message.status {
                Status::Pending => taken.push(message),
                _ => claim.given_up.extend(dead(&message)),
            }
        }
    }
    claim.taken = with_devices(work, &desk.devices, taken)?;
    Ok(claim)
}

fn goes_elsewhere(message: &Message, queue: Queue) -> bool {
    message.status == Status::Pending && message.channel != queue.channel
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

/// Of messages that waited for word of their patients each takes the first of the ways that it goes by, and the others get
/// messages of their own. Without word it is given up. Whatever did not wait is as it was.
fn heard(work: &mut Work<'_>, house: &House, due: Vec<Message>) -> Result<Vec<Message>, Problem> {
    let (waiting, mut heard): (Vec<_>, Vec<_>) = due.into_iter().partition(Message::is_waiting);
    let contacts = contacts::of(work.db, waiting.iter().map(|message| message.cause.patient_id))?;
    let (waiting, unknown): (Vec<_>, Vec<_>) =
        waiting.into_iter().partition(|message| contacts.contains_key(&message.cause.patient_id));
    heard.extend(unknown.into_iter().map(Message::given_up));
    let causes = waiting.iter().map(|message| message.cause.clone()).collect();
    let drafts = draft_for(work.db, house, &contacts, causes, work.now)?;
    let mut more = Vec::new();
    for (waiting, mut drafts) in waiting.into_iter().zip(drafts) {
        // The one that is sent keeps its place in the queue, if there is one.
        let first = drafts.iter().position(|draft| draft.channel == waiting.channel).unwrap_or(0);
        if drafts.is_empty() {
            heard.push(waiting);
            continue;
        }
        heard.push(drafts.swap_remove(first).in_place_of(&waiting));
        more.append(&mut drafts);
    }
    for draft in messages::add_all(work.db, more)? {
        tell(work, &draft)?;
        enqueue(work, &draft)?;
    }
    Ok(heard)
}

/// Each with where it goes, if it is a push message.
fn with_devices(work: &mut Work<'_>, seal: &DeviceSeal, taken: Vec<Message>) -> Result<Vec<Taken>, Problem> {
    let pushed = taken.iter().filter(|message| message.channel == ChannelKind::Push);
    let patients: HashSet<PatientId> = pushed.map(|message| message.cause.patient_id).collect();
    let patients: Vec<_> = patients.into_iter().collect();
    let mut devices: HashMap<PatientId, Vec<Subscription>> = HashMap::new();
    for device in push_subscriptions::of(work.db, seal, &patients)? {
        devices.entry(device.patient_id).or_default().push(device);
    }
    let taken = taken.into_iter().map(|message| {
        let of_patient = match message.channel {
            ChannelKind::Push => devices.get(&message.cause.patient_id).cloned().unwrap_or_default(),
            ChannelKind::Email | ChannelKind::Sms | ChannelKind::InApp => Vec::new(),
        };
        let devices = of_patient.into_iter().filter(|device| message.is_for(device.id)).collect();
        Taken { message, devices }
    });
    Ok(taken.collect())
}
