//! Writes down how attempts ended.

use hms_bus::GivenUp;
use hms_model::event::{MessageFacts, MessageFailed, MessageSent};
use hms_problem::Problem;
use hms_service::Work;

use super::attempt::Tried;
use super::claim::dead;
use crate::domain::{Message, Outcome, Status};
use crate::store::{attempts, dead_addresses, messages, push_subscriptions};

/// Writes them down, and forgets the addresses that are gone; gives what is given up.
pub fn settle(work: &mut Work<'_>, tried: Vec<Tried>) -> Result<Vec<GivenUp>, Problem> {
    let made = || tried.iter().flat_map(|one| &one.attempts);
    attempts::add_all(work.db, made())?;
    let gone = made().filter(|attempt| attempt.outcome == Outcome::Gone);
    let gone: Vec<_> = gone.filter_map(|attempt| attempt.subscription_id).collect();
    push_subscriptions::remove_all(work.db, &gone)?;
    for one in &tried {
        if let Some(address) = &one.dead_address {
            dead_addresses::add(work.db, one.message.channel, address, work.now)?;
        }
    }
    let messages: Vec<Message> = tried.into_iter().map(|one| one.message).collect();
    let count = messages.len();
    let saved = messages::save_all(work.db, messages)?;
    if saved.len() < count {
        // They took longer than the lease, and someone else has taken them up, or they were withdrawn: that counts.
        tracing::warn!(count = count - saved.len(), "messages were changed while they were being sent");
    }
    let mut given_up = Vec::new();
    for message in saved {
        tell(work, &message)?;
        given_up.extend(dead(&message));
    }
    Ok(given_up)
}

/// Tells others what has become of a message.
pub fn tell(work: &mut Work<'_>, message: &Message) -> Result<(), Problem> {
    match message.status {
        Status::Sent => work.publish(&MessageSent(facts(message))),
        Status::Failed => work.publish(&MessageFailed(facts(message))),
        Status::Pending | Status::Skipped => Ok(()),
    }
}

/// What others are told of a message.
pub fn facts(message: &Message) -> MessageFacts {
    MessageFacts {
        notification_id: message.id,
        version: message.version,
        channel: message.channel.to_string(),
        reason: message.error.clone(),
    }
}
