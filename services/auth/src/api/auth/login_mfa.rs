//! `POST /auth/login/mfa`.

use actix_web::{HttpRequest, post, web};
use hms_api::{Json, Problems};
use hms_model::role::scope;
use hms_model::{Secret, Text};
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::entering::{self, Entry};
use super::guard::{self, Failure, Subject};
use super::{Uncached, mfa, own_account_locked, uncached};
use crate::State;
use crate::domain::one_time::CHALLENGE_ATTEMPTS;
use crate::domain::place::Place;
use crate::store::challenges::{self, Challenge};
use crate::tokens::{self, Tokens};

/// The second step of a sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondStep {
    /// What the first step gave.
    challenge: Secret,
    /// A code of the authenticator app, or one of the recovery codes.
    code: Text<1, 40>,
}

/// Signs in with the second factor, after the password. Wrong codes are counted like wrong passwords, and five of them
/// use the challenge up.
#[utoipa::path(tag = "auth", request_body = SecondStep, responses((status = 200, body = Tokens), Problems))]
#[post("/auth/login/mfa")]
pub async fn login_mfa(
    call: Call<scope::Anyone>,
    request: HttpRequest,
    state: web::Data<State>,
    body: Json<SecondStep>,
) -> Result<Uncached, Problem> {
    let place = entering::place(&request)?;
    let SecondStep { challenge, code } = body.into_inner();
    let hash = tokens::hash_of(&challenge);
    let reply = call.write_unkeyed(move |work| {
        let Some(challenge) = challenges::find(work.db, &hash, work.now)? else { return Err(over()) };
        judge(work, &state, &challenge, (&code, place))
    });
    Ok(uncached(reply.await?))
}

fn over() -> Problem {
    Problem::new(Code::Unauthenticated).message("The sign-in took too long: begin again with the password.")
}

fn judge(
    work: &mut Work<'_>,
    state: &State,
    challenge: &Challenge,
    (code, place): (&Text<1, 40>, Place),
) -> Result<Reply, Problem> {
    // Whoever waited here for another attempt upon the same account sees what that one has left.
    let account = own_account_locked(work.db, challenge.account_id).map_err(|_| over())?;
    let still = challenges::find(work.db, &challenge.hash, work.now)?;
    let challenge = still.filter(|challenge| challenge.attempts < CHALLENGE_ATTEMPTS).ok_or_else(over)?;
    let subject = Subject::kept(challenge.subject.clone());
    if let Some(until) = guard::locked_until(work.db, &subject, work.now)? {
        return guard::locked_out(work, state, Some(account.id), until);
    }
    if !mfa::accepts(work, state, account.id, code.as_str())? {
        challenges::count_attempt(work.db, &challenge.hash)?;
        let failure = Failure {
            subject: &subject,
            account: Some(account.id),
            reason: "wrong code",
            told: Code::CodeWrong.into(),
        };
        return guard::failed(work, state, failure);
    }
    if !challenges::take(work.db, &challenge.hash)? {
        return Err(over());
    }
    guard::forgive(work, &subject)?;
    let amr = ["pwd", "otp"].map(str::to_owned).to_vec();
    entering::enter(work, state, Entry { account, amr, device: challenge.device_id, place })
}
