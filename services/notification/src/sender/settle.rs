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
    let mut given_up = Vec::new();
    for one in tried {
        for attempt in &one.attempts {
            attempts::add(work.db, attempt)?;
            if let (Outcome::Gone, Some(device)) = (attempt.outcome, attempt.subscription_id) {
                push_subscriptions::remove(work.db, device)?;
            }
        }
        if let Some(address) = &one.dead_address {
            dead_addresses::add(work.db, one.message.channel, address, work.now)?;
        }
        match messages::save(work.db, one.message)? {
            Some(message) => {
                tell(work, &message)?;
                given_up.extend(dead(&message));
            }
            // It took longer than the lease, and someone else has taken the message up, or it was withdrawn: that counts.
            None => tracing::warn!("a message was changed while it was being sent"),
        }
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
