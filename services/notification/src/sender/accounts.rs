//! Mails about accounts: taken up, and written down again.

use hms_bus::GivenUp;
use hms_model::event::{MessageFacts, MessageFailed, MessageSent};
use hms_model::id::NotificationId;
use hms_model::job::SendMessage;
use hms_problem::Problem;
use hms_service::Work;

use super::given_up;
use crate::domain::{AccountMail, ChannelKind, Lane, Status, is_due, is_used_up};
use crate::store::account_mails;
use crate::store::messages::Queue;

/// The mails about accounts go out with what is urgent.
pub const ACCOUNT_MAILS: Queue = Queue { channel: ChannelKind::Email, lane: Lane::Urgent };

/// What some jobs came to.
#[derive(Default)]
pub struct Claim {
    /// What is to be sent now.
    pub mails: Vec<AccountMail>,
    /// What is given up.
    pub given_up: Vec<GivenUp>,
}

/// The job that sends a mail.
pub fn job(mail: &AccountMail) -> SendMessage {
    SendMessage { notification_id: mail.id }
}

/// Takes up those of these mails that are due, so that nobody else does while they are being sent.
pub fn claim(work: &mut Work<'_>, queue: Queue, ids: &[NotificationId]) -> Result<Claim, Problem> {
    let mut claim = Claim::default();
    if queue != ACCOUNT_MAILS {
        return Ok(claim);
    }
    account_mails::prune(work.db, work.now)?;
    for mail in account_mails::hold_all(work.db, ids)? {
        if !is_due(mail.status, mail.due_at, work.now) {
            claim.given_up.extend(dead(&mail));
            continue;
        }
        let Some(mail) = account_mails::save(work.db, mail.taken_up(work.now))? else { continue };
        tell(work, &mail)?;
        claim.given_up.extend(dead(&mail));
        claim.mails.extend(Some(mail).filter(|mail| mail.status == Status::Pending));
    }
    Ok(claim)
}

/// Writes down how the attempts ended; gives what is given up.
pub fn settle(work: &mut Work<'_>, tried: Vec<AccountMail>) -> Result<Vec<GivenUp>, Problem> {
    let mut given_up = Vec::new();
    for mail in tried {
        match account_mails::save(work.db, mail)? {
            Some(mail) => {
                tell(work, &mail)?;
                given_up.extend(dead(&mail));
            }
            None => tracing::warn!("a mail was taken up by another sender meanwhile"),
        }
    }
    Ok(given_up)
}

fn dead(mail: &AccountMail) -> Option<GivenUp> {
    is_used_up(mail.status, mail.attempts).then(|| given_up(mail.id, mail.attempts, mail.error.clone()))
}

fn tell(work: &mut Work<'_>, mail: &AccountMail) -> Result<(), Problem> {
    let facts = || MessageFacts {
        notification_id: mail.id,
        version: mail.version,
        channel: ChannelKind::Email.to_string(),
        reason: mail.error.clone(),
    };
    match mail.status {
        Status::Sent => work.publish(&MessageSent(facts())),
        Status::Failed => work.publish(&MessageFailed(facts())),
        Status::Pending | Status::Skipped => Ok(()),
    }
}
