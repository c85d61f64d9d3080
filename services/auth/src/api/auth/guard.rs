//! Failed attempts are counted, and make the next one wait.

use chrono::{DateTime, Utc};
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::event::AccountLocked;
use hms_model::id::{AccountId, SessionId};
use hms_model::role::Role;
use hms_problem::{Code, Problem};
use hms_service::{Act, Reply, Work};

use crate::State;
use crate::domain::account::Account;
use crate::domain::lockout::{Tally, seconds_until};
use crate::keyring::DeviceId;
use crate::store::{accounts, failed_attempts};
use crate::tokens;

/// What failures are counted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// A sign-in: a known device by itself; an account for all who come with another one; a name that nobody has, so
    /// that it cannot be told from one that somebody has.
    pub fn of_sign_in(account: Option<AccountId>, device: Option<DeviceId>, name: &str) -> Self {
        Self(match (device, account) {
            (Some(device), _) => format!("device:{device}"),
            (None, Some(account)) => format!("account:{account}"),
            (None, None) => format!("name:{}", tokens::hash_of(&Secret::new(name))),
        })
    }

    /// All that an account can be locked by from outside.
    pub fn of_account(account: AccountId) -> Self {
        Self::of_sign_in(Some(account), None, "")
    }

    /// Somebody who is signed in and gives their password or a code once more.
    pub fn of_session(session: SessionId) -> Self {
        Self(format!("session:{session}"))
    }

    /// As it was kept.
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// As it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_account(&self) -> bool {
        self.0.starts_with("account:")
    }
}

/// What has failed.
#[derive(Debug, Clone)]
pub struct Failure<'a> {
    /// What it is counted for.
    pub subject: &'a Subject,
    /// Whose account it was, if anybody's.
    pub account: Option<AccountId>,
    /// Why, for the audit.
    pub reason: &'static str,
    /// What the client is told.
    pub told: Problem,
}

/// Until when nothing is accepted for a subject.
pub fn locked_until(
    db: &mut hms_db::Db,
    subject: &Subject,
    now: DateTime<Utc>,
) -> hms_db::Result<Option<DateTime<Utc>>> {
    Ok(failed_attempts::find(db, subject.as_str())?.and_then(|tally| tally.locked_until(now)))
}

/// Refuses an attempt that came in a wait: unread, so that guessing on is of no use, whether right or wrong.
pub fn locked_out(
    work: &mut Work<'_>,
    state: &State,
    account: Option<AccountId>,
    until: DateTime<Utc>,
) -> Result<Reply, Problem> {
    state.sign_ins.locked_out();
    note(work, account, "locked out")?;
    Ok(Reply::Refused(Problem::new(Code::LockedOut).retry_after(seconds_until(until, work.now))))
}

/// Counts a failed attempt and refuses it. Attempts upon one account are judged one after the other, so that many at
/// once get no further than as many in a row.
pub fn failed(work: &mut Work<'_>, state: &State, failure: Failure<'_>) -> Result<Reply, Problem> {
    let locked = failure.account.map(|id| accounts::find_locked(work.db, id));
    let account = match locked {
        Some(Err(hms_db::Error::NotFound)) | None => None,
        Some(found) => Some(found?),
    };
    let before = failed_attempts::find_locked(work.db, failure.subject.as_str(), work.now)?;
    if let Some(until) = before.locked_until(work.now) {
        return locked_out(work, state, failure.account, until);
    }
    let tally = Tally::failed(Some(&before), work.now);
    failed_attempts::save(work.db, failure.subject.as_str(), &tally)?;
    state.sign_ins.failed();
    note(work, failure.account, failure.reason)?;
    if let Some(until) = tally.locked_until(work.now) {
        lock(work, state, &failure, account.as_ref(), (&tally, until))?;
    }
    Ok(Reply::Refused(failure.told))
}

fn lock(
    work: &mut Work<'_>,
    state: &State,
    failure: &Failure<'_>,
    account: Option<&Account>,
    (tally, until): (&Tally, DateTime<Utc>),
) -> Result<(), Problem> {
    state.sign_ins.lockout();
    let seconds = seconds_until(until, work.now);
    let act = Act::new(Action::Update, "account").detail(format!("locked for {seconds} s"));
    match account {
        Some(account) => work.audit(act.on(account.id).by(account.id, account.roles.clone()))?,
        None => work.audit(act)?,
    }
    match account {
        Some(account) if failure.subject.is_account() => work.publish(&AccountLocked {
            account_id: account.id,
            version: account.version,
            failures: tally.failures,
            until,
        }),
        _ => Ok(()),
    }
}

/// Refuses without counting.
pub fn refused(
    work: &mut Work<'_>,
    account: AccountId,
    reason: &'static str,
    told: Problem,
) -> Result<Reply, Problem> {
    note(work, Some(account), reason)?;
    Ok(Reply::Refused(told))
}

/// The audit names the account if there is one, and never what was typed: people type passwords there.
fn note(work: &mut Work<'_>, account: Option<AccountId>, reason: &'static str) -> Result<(), Problem> {
    let act = Act::new(Action::Execute, "session").refused().detail(reason);
    // Asked also where there is no account, so that it takes the same time.
    let roles: Vec<Role> = accounts::roles(work.db, account.unwrap_or_else(|| work.new_id()))?;
    work.audit(match account {
        Some(account) => act.by(account, roles),
        None => act,
    })
}

/// Forgets the failures of a subject, once it is known who it is.
pub fn forgive(work: &mut Work<'_>, subject: &Subject) -> Result<(), Problem> {
    if failed_attempts::find(work.db, subject.as_str())?.is_some() {
        failed_attempts::clear(work.db, subject.as_str())?;
    }
    Ok(())
}
