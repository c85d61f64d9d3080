//! Mails about accounts: taken up, and written down again.

use chrono::{DateTime, Utc};
use hms_model::event::{MessageFacts, MessageFailed, MessageSent};
use hms_problem::Problem;
use hms_service::Work;

use super::BATCH;
use crate::domain::{AccountMail, ChannelKind, Status};
use crate::store::account_mails;

/// What one look at the database found.
#[derive(Default)]
pub struct Claim {
    pub mails: Vec<AccountMail>,
    /// There may be more that is due.
    pub more: bool,
    /// When the next one is due.
    pub next: Option<DateTime<Utc>>,
}

/// Takes up mails that are due, so that nobody else does while they are being sent.
pub fn claim(work: &mut Work<'_>) -> Result<Claim, Problem> {
    account_mails::prune(work.db, work.now)?;
    let due = account_mails::due(work.db, work.now, BATCH)?;
    let more = i64::try_from(due.len()).is_ok_and(|count| count == BATCH);
    let mut mails = Vec::with_capacity(due.len());
    for mail in due {
        if let Some(mail) = account_mails::save(work.db, mail.taken_up(work.now))? {
            tell(work, &mail)?;
            mails.extend(Some(mail).filter(|mail| mail.status == Status::Pending));
        }
    }
    Ok(Claim { mails, more, next: account_mails::next_due(work.db)? })
}

/// Writes down how the attempts ended.
pub fn settle(work: &mut Work<'_>, tried: Vec<AccountMail>) -> Result<(), Problem> {
    for mail in tried {
        match account_mails::save(work.db, mail)? {
            Some(mail) => tell(work, &mail)?,
            None => tracing::warn!("a mail was taken up by another sender meanwhile"),
        }
    }
    Ok(())
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
