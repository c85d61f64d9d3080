//! Whoever changes how an account is protected shows once more that it is theirs: by the password, or by having signed
//! in a moment ago. A stolen access token alone is not enough.

use actix_web::web;
use hms_model::Secret;
use hms_model::id::AccountId;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};

use super::guard::{self, Failure, Subject};
use crate::State;
use crate::domain::one_time::RECENT;
use crate::hashing::Verdict;
use crate::store::{accounts, sessions};

/// What was shown.
pub struct Proof {
    /// The hash that the password was verified with; none where the sign-in was recent.
    hash: Option<String>,
}

impl Proof {
    /// Whether it is still so; ask when the account is locked.
    pub fn holds(&self, work: &mut Work<'_>, account: AccountId) -> Result<(), Problem> {
        match &self.hash {
            Some(hash) if !accounts::has_password(work.db, account, hash)? => Err(wrong_password()),
            _ => Ok(()),
        }
    }
}

/// Checks the password if one is given, else how long ago the sign-in was. Wrong passwords are counted for the session.
pub async fn prove<R>(
    call: &Call<R>,
    state: &web::Data<State>,
    password: Option<Secret>,
) -> Result<Proof, Problem> {
    let (account, sid) = (call.claims()?.sub, call.claims()?.sid);
    let now = call.context().clock.now();
    let subject = Subject::of_session(sid);
    let asked = subject.clone();
    let read = call.read(move |db| {
        let began = sessions::began(db, sid, account)?;
        Ok((began, accounts::password(db, account)?, guard::locked_until(db, &asked, now)?))
    });
    let (began, hash, locked) = read.await?;
    let Some(password) = password else {
        let recent = began.is_some_and(|began| now < began + RECENT);
        return if recent { Ok(Proof { hash: None }) } else { Err(Code::SignInAgain.into()) };
    };
    if let Some(until) = locked {
        // Not audited once more: whoever is in a wait was audited when it began.
        state.sign_ins.locked_out();
        let seconds = crate::domain::lockout::seconds_until(until, now);
        return Err(Problem::new(Code::LockedOut).retry_after(seconds));
    }
    match state.hashing.verify(password, hash.clone()).await? {
        Verdict::Right { .. } => Ok(Proof { hash }),
        Verdict::Wrong => Err(refuse(call, state.clone(), subject, account).await?),
    }
}

async fn refuse<R>(
    call: &Call<R>,
    state: web::Data<State>,
    subject: Subject,
    account: AccountId,
) -> Result<Problem, Problem> {
    let reply = call.write_unkeyed(move |work| {
        let failure = Failure {
            subject: &subject,
            account: Some(account),
            reason: "wrong password",
            told: wrong_password(),
        };
        guard::failed(work, &state, failure)
    });
    match reply.await? {
        Reply::Refused(problem) => Ok(problem),
        Reply::Done(_) => Err(Code::Internal.into()),
    }
}

fn wrong_password() -> Problem {
    Problem::new(Code::InvalidCredentials).message("The password is wrong.")
}
