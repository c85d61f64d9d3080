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
    let now = work.now;
    let (due, others): (Vec<_>, Vec<_>) = account_mails::hold_all(work.db, ids)?
        .into_iter()
        .partition(|mail| is_due(mail.status, mail.due_at, now));
    claim.given_up.extend(others.iter().filter_map(dead));
    let due = due.into_iter().map(|mail| mail.taken_up(now)).collect();
    for mail in account_mails::save_all(work.db, due)? {
        tell(work, &mail)?;
        claim.given_up.extend(dead(&mail));
        claim.mails.extend(Some(mail).filter(|mail| mail.status == Status::Pending));
    }
    Ok(claim)
}

/// Writes down how the attempts ended; gives what is given up.
pub fn settle(work: &mut Work<'_>, tried: Vec<AccountMail>) -> Result<Vec<GivenUp>, Problem> {
    let count = tried.len();
    let saved = account_mails::save_all(work.db, tried)?;
    if saved.len() < count {
        tracing::warn!(count = count - saved.len(), "mails were taken up by another sender meanwhile");
    }
    for mail in &saved {
        tell(work, mail)?;
    }
    Ok(saved.iter().filter_map(dead).collect())
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
