//! One's own second factor.

pub mod confirm;
pub mod disable;
pub mod enrol;
pub mod recovery_codes;
pub mod status;

use chrono::{DateTime, Utc};
use hms_model::Secret;
use hms_model::id::{AccountId, SessionId};
use hms_problem::{Code, Problem};
use hms_service::{Reply, Work};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::{self, Failure, Subject};
use crate::State;
use crate::domain::{recovery, totp};
use crate::store::factors::{self, Totp};
use crate::tokens;

/// Recovery codes, shown once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Each works once, in place of a code of the app.
    #[schema(examples(json!(["74aq-eaye-auda-ocaj"])))]
    recovery_codes: Vec<String>,
}

/// Whether a code is right, of the app or a recovery code; it is used up by that.
pub fn accepts(work: &mut Work<'_>, state: &State, account: AccountId, code: &str) -> Result<bool, Problem> {
    if let Some(plain) = recovery::normal(code) {
        let hash = tokens::hash_of(&Secret::new(plain));
        return Ok(factors::use_recovery_code(work.db, account, &hash)?);
    }
    let Some(app) = factors::totp(work.db, account)?.filter(|app| app.confirmed) else { return Ok(false) };
    match step_of(state, account, &app, code, work.now)? {
        Some(step) => Ok(factors::use_step(work.db, account, step)?),
        None => Ok(false),
    }
}

/// Asks a code of somebody who is signed in; wrong ones are counted for the session. None when it is right, else the
/// refusal.
fn refusal(
    work: &mut Work<'_>,
    state: &State,
    (account, sid): (AccountId, SessionId),
    code: &str,
) -> Result<Option<Reply>, Problem> {
    let subject = Subject::of_session(sid);
    if let Some(until) = guard::locked_until(work.db, &subject, work.now)? {
        return guard::locked_out(work, state, Some(account), until).map(Some);
    }
    if accepts(work, state, account, code)? {
        guard::forgive(work, &subject)?;
        return Ok(None);
    }
    let told = Code::CodeWrong.into();
    let failure = Failure { subject: &subject, account: Some(account), reason: "wrong code", told };
    guard::failed(work, state, failure).map(Some)
}

/// The step that a code of the app belongs to, if it is right.
fn step_of(
    state: &State,
    account: AccountId,
    app: &Totp,
    code: &str,
    now: DateTime<Utc>,
) -> Result<Option<i64>, Problem> {
    let Some(secret) = state.keyring.open_sealed(account, &app.sealed) else {
        tracing::error!(%account, "the secret of a second factor cannot be opened: it was sealed under another key");
        return Err(Code::Internal.into());
    };
    Ok(totp::verify(&secret, code, app.used_step, now))
}

/// New recovery codes in place of all others.
fn renew_codes(work: &mut Work<'_>, account: AccountId) -> Result<RecoveryCodes, Problem> {
    let recovery_codes: Vec<String> =
        (0..recovery::COUNT).map(|_| random().map(recovery::shown)).collect::<Result<_, _>>()?;
    let plain = recovery_codes.iter().filter_map(|code| recovery::normal(code));
    let hashes: Vec<_> = plain.map(|code| tokens::hash_of(&Secret::new(code))).collect();
    factors::replace_recovery_codes(work.db, account, &hashes)?;
    Ok(RecoveryCodes { recovery_codes })
}

fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        tracing::error!("the machine gives no random numbers");
        Problem::new(Code::Internal)
    })?;
    Ok(bytes)
}
