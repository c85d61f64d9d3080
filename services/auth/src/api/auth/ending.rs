//! Ending sessions: in the database, at the gateway, and for whoever wants to know.

use hms_model::event::SessionRevoked;
use hms_model::id::{AccountId, Id};
use hms_problem::Problem;
use hms_service::Work;

use crate::config::LONGEST_LIFETIME;
use crate::store::sessions::{self, Ended, Which};
use crate::store::{api_keys, grants, revocations};

/// Ends sessions of an account and says how many. Nothing else may be locked after it in the same unit of work: see
/// [`revocations::revoke_each`].
pub fn end(work: &mut Work<'_>, account: AccountId, which: Which, reason: &str) -> Result<usize, Problem> {
    let ended = sessions::end(work.db, account, which, work.now)?;
    tell(work, account, &ended, reason)?;
    Ok(ended.len())
}

/// Ends all that lets anybody act for an account: its sessions, what it has allowed other programs, and, unless they
/// are `kept`, its API keys.
pub fn end_everything(
    work: &mut Work<'_>,
    account: AccountId,
    keys: Keys,
    reason: &str,
) -> Result<(), Problem> {
    let mut others: Vec<_> =
        grants::revoke_of_account(work.db, account, work.now)?.into_iter().map(Id::uuid).collect();
    if keys == Keys::Revoked {
        others.extend(api_keys::revoke_all(work.db, account, work.now)?.into_iter().map(Id::uuid));
    }
    let ended = sessions::end(work.db, account, Which::All, work.now)?;
    tell(work, account, &ended, reason)?;
    let until = work.now + LONGEST_LIFETIME;
    let sids: Vec<_> = others.into_iter().map(|id| (Id::from_uuid(id), until)).collect();
    Ok(revocations::revoke_each(work.db, &sids, work.now)?)
}

/// What becomes of the API keys of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// They go on.
    Kept,
    /// They end.
    Revoked,
}

fn tell(work: &mut Work<'_>, account: AccountId, ended: &[Ended], reason: &str) -> Result<(), Problem> {
    for session in ended {
        work.publish(&SessionRevoked {
            session_id: session.id,
            version: 1,
            account_id: account,
            reason: reason.to_owned(),
        })?;
    }
    let sids: Vec<_> = ended.iter().map(|session| (session.id, session.access_until)).collect();
    Ok(revocations::revoke_each(work.db, &sids, work.now)?)
}
