//! A person who signs in on the page: by the same rules, waits and entries in the audit as at `/auth/login`, in one step.

use actix_web::web;
use hms_model::Secret;
use hms_model::id::AccountId;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};

use crate::State;
use crate::api::auth::guard::{self, Failure, Subject};
use crate::api::auth::mfa;
use crate::api::auth::password::too_short_alone;
use crate::domain::account::Account;
use crate::domain::password;
use crate::hashing::Verdict;
use crate::store::{accounts, factors};

/// Longer than any name or code.
const LONGEST: usize = 254;

/// What was typed.
pub struct Typed {
    /// The user name or the e-mail address.
    pub name: String,
    /// The password.
    pub password: Secret,
    /// The code of the second factor, if anything was given.
    pub otp: Option<Secret>,
}

/// Who it is, or what to tell them.
pub type Outcome = Result<Account, String>;

struct Claimant {
    found: Option<(AccountId, String)>,
    subject: Subject,
    otp: Option<Secret>,
    /// Whether the password that they gave is good enough without a second factor.
    stands_alone: bool,
}

/// Finds out who it is. An unknown user gets the same answer after the same time as a wrong password.
pub async fn sign_in<R>(call: &Call<R>, state: web::Data<State>, typed: Typed) -> Result<Outcome, Problem> {
    let Typed { name, password, otp } = typed;
    let now = call.context().clock.now();
    let stands_alone = password::stands_alone(password.expose());
    let looked_up = call.read(move |db| {
        let name: String = name.trim().to_lowercase().chars().take(LONGEST).collect();
        let found = accounts::find_credentials(db, &name)?;
        let subject = Subject::of_sign_in(found.as_ref().map(|(id, _)| *id), None, &name);
        let locked = guard::locked_until(db, &subject, now)?;
        Ok((Claimant { found, subject, otp, stands_alone }, locked))
    });
    let (claimant, locked) = looked_up.await?;
    if let Some(until) = locked {
        let id = claimant.found.map(|(id, _)| id);
        return call.write_for(move |work| told(guard::locked_out(work, &state, id, until)?)).await;
    }
    let kept = claimant.found.as_ref().map(|(_, hash)| hash.clone());
    let verdict = state.hashing.verify(password, kept).await?;
    call.write_for(move |work| judge(work, &state, &claimant, verdict)).await
}

/// A refusal that commits, in its own words.
fn told(reply: Reply) -> Result<Outcome, Problem> {
    match reply {
        Reply::Refused(problem) => Ok(Err(problem.text().to_owned())),
        Reply::Done(_) => Err(Code::Internal.into()),
    }
}

/// The password was verified before this transaction began; what has changed since is looked at once more.
fn judge(
    work: &mut Work<'_>,
    state: &State,
    claimant: &Claimant,
    verdict: Verdict,
) -> Result<Outcome, Problem> {
    let refuse = |work: &mut Work<'_>, account, reason, code: Code| {
        let failure = Failure { subject: &claimant.subject, account, reason, told: code.into() };
        told(guard::failed(work, state, failure)?)
    };
    let wrong = Code::InvalidCredentials;
    let Some((id, hash)) = &claimant.found else { return refuse(work, None, "no such account", wrong) };
    let Verdict::Right { renewed } = verdict else {
        return refuse(work, Some(*id), "wrong password", wrong);
    };
    let account = match accounts::find_locked(work.db, *id) {
        Err(hms_db::Error::NotFound) => return refuse(work, None, "no such account", wrong),
        found => found?,
    };
    if let Some(until) = guard::locked_until(work.db, &claimant.subject, work.now)? {
        return told(guard::locked_out(work, state, Some(*id), until)?);
    }
    if !account.is_active() {
        return refuse(work, Some(*id), "the account is disabled", wrong);
    }
    if !accounts::has_password(work.db, *id, hash)? {
        return refuse(work, Some(*id), "the password was changed meanwhile", wrong);
    }
    if let Some(renewed) = &renewed {
        accounts::renew_password(work.db, *id, hash, renewed)?;
    }
    if state.people.require_verified_email && !account.email_verified {
        let problem = Code::EmailNotVerified.into();
        return told(guard::refused(work, *id, "the e-mail address is not verified", problem)?);
    }
    if !factors::has_factor(work.db, *id)? {
        if state.must_have_factor(&account.roles) {
            return Ok(Err(
                "Your account needs a second factor: sign in to HMS itself and set it up.".to_owned()
            ));
        }
        if !claimant.stands_alone {
            let problem = too_short_alone();
            return told(guard::refused(work, *id, "the password is too short alone", problem)?);
        }
    } else if let Some(otp) = &claimant.otp {
        if !mfa::accepts(work, state, *id, otp.expose())? {
            return refuse(work, Some(*id), "wrong code", Code::CodeWrong);
        }
    } else {
        return Ok(Err("Please give the one-time code of your second factor, too.".to_owned()));
    }
    guard::forgive(work, &claimant.subject)?;
    Ok(Ok(account))
}
