//! `POST /auth/login`.

use actix_web::{HttpRequest, post, web};
use hms_api::{Json, Problems};
use hms_model::id::AccountId;
use hms_model::role::scope;
use hms_model::{Secret, Text};
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entering::{self, Entry};
use super::guard::{self, Failure, Subject};
use super::password::too_short_alone;
use super::{Uncached, uncached};
use crate::State;
use crate::domain::account::Account;
use crate::domain::one_time::CHALLENGE;
use crate::domain::password;
use crate::domain::place::Place;
use crate::hashing::Verdict;
use crate::keyring::DeviceId;
use crate::store::challenges::{self, Challenge};
use crate::store::{accounts, factors};
use crate::tokens::{self, Tokens};

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The e-mail address or the user name.
    username: Text<1, 254>,
    /// The password.
    password: Secret,
    /// The `device_token` of the last sign-in from this device: what others have failed at does not count for it.
    device_token: Option<Secret>,
}

/// The password was right, and a second factor is wanted.
#[derive(Serialize, ToSchema)]
pub struct MfaRequired {
    /// Always true.
    mfa_required: bool,
    /// What to send to `/auth/login/mfa` along with a code.
    challenge: String,
    /// For how many seconds that is possible.
    #[schema(examples(300))]
    expires_in: i64,
    /// Which codes are accepted.
    methods: [&'static str; 2],
}

/// What a right password gives.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "it is the shape of the answer for the document; each half is written by itself"
)]
pub enum SignIn {
    /// The tokens.
    Tokens(Box<Tokens>),
    /// The second step, where the account has a second factor.
    MfaRequired(MfaRequired),
}

/// Signs in with an e-mail address or a user name. After five failures in a row each further one makes the next wait
/// longer, up to 15 minutes: 429 `LOCKED_OUT` with `Retry-After`, for names that nobody has as well.
#[utoipa::path(tag = "auth", request_body = Credentials, responses((status = 200, body = SignIn), Problems))]
#[post("/auth/login")]
pub async fn login(
    call: Call<scope::Anyone>,
    request: HttpRequest,
    state: web::Data<State>,
    body: Json<Credentials>,
) -> Result<Uncached, Problem> {
    let place = entering::place(&request)?;
    sign_in(call, place, state, body.into_inner()).await
}

/// Who it says it is.
struct Claimant {
    /// The account, and the hash of its password.
    found: Option<(AccountId, String)>,
    /// The device, if it is known to the account.
    device: Option<DeviceId>,
    subject: Subject,
    place: Place,
    /// Whether the password that they gave is good enough without a second factor.
    stands_alone: bool,
}

/// An unknown user gets the same answer after the same time as a wrong password.
pub(super) async fn sign_in(
    call: Call<scope::Anyone>,
    place: Place,
    state: web::Data<State>,
    credentials: Credentials,
) -> Result<Uncached, Problem> {
    let Credentials { username, password, device_token } = credentials;
    let (now, shared) = (call.context().clock.now(), state.clone());
    let stands_alone = password::stands_alone(password.expose());
    let looked_up = call.read(move |db| {
        let name = username.as_str().to_lowercase();
        let found = accounts::find_credentials(db, &name)?;
        let id = found.as_ref().map(|(id, _)| *id);
        let device =
            id.zip(device_token).and_then(|(id, token)| shared.keyring.known_device(id, &token, now));
        let subject = Subject::of_sign_in(id, device, &name);
        let locked = guard::locked_until(db, &subject, now)?;
        Ok((Claimant { found, device, subject, place, stands_alone }, locked))
    });
    let (claimant, locked) = looked_up.await?;
    if let Some(until) = locked {
        let id = claimant.found.map(|(id, _)| id);
        let refused = call.write_unkeyed(move |work| guard::locked_out(work, &state, id, until));
        return Ok(uncached(refused.await?));
    }
    let kept = claimant.found.as_ref().map(|(_, hash)| hash.clone());
    let verdict = state.hashing.verify(password, kept).await?;
    let reply = call.write_unkeyed(move |work| judge(work, &state, claimant, verdict));
    Ok(uncached(reply.await?))
}

/// The password was verified before this transaction began; what has changed since is looked at once more.
fn judge(work: &mut Work<'_>, state: &State, claimant: Claimant, verdict: Verdict) -> Result<Reply, Problem> {
    let refuse = |work: &mut Work<'_>, account, reason| {
        let told = Code::InvalidCredentials.into();
        guard::failed(work, state, Failure { subject: &claimant.subject, account, reason, told })
    };
    let Some((id, hash)) = &claimant.found else { return refuse(work, None, "no such account") };
    let Verdict::Right { renewed } = verdict else { return refuse(work, Some(*id), "wrong password") };
    let account = match accounts::find_locked(work.db, *id) {
        Err(hms_db::Error::NotFound) => return refuse(work, None, "no such account"),
        found => found?,
    };
    // Attempts at the same time may have begun a wait: a right guess among many wrong ones is not told either.
    if let Some(until) = guard::locked_until(work.db, &claimant.subject, work.now)? {
        return guard::locked_out(work, state, Some(*id), until);
    }
    if !account.is_active() {
        return refuse(work, Some(*id), "the account is disabled");
    }
    if !accounts::has_password(work.db, *id, hash)? {
        return refuse(work, Some(*id), "the password was changed meanwhile");
    }
    if let Some(renewed) = &renewed {
        accounts::renew_password(work.db, *id, hash, renewed)?;
    }
    admit(work, state, account, claimant)
}

fn admit(work: &mut Work<'_>, state: &State, account: Account, claimant: Claimant) -> Result<Reply, Problem> {
    if state.people.require_verified_email && !account.email_verified {
        let told = Code::EmailNotVerified.into();
        return guard::refused(work, account.id, "the e-mail address is not verified", told);
    }
    if factors::has_factor(work.db, account.id)? {
        return challenge(work, &account, claimant);
    }
    if !claimant.stands_alone {
        return guard::refused(work, account.id, "the password is too short alone", too_short_alone());
    }
    guard::forgive(work, &claimant.subject)?;
    let Claimant { device, place, .. } = claimant;
    entering::enter(work, state, Entry { account, amr: vec!["pwd".to_owned()], device, place })
}

fn challenge(work: &mut Work<'_>, account: &Account, claimant: Claimant) -> Result<Reply, Problem> {
    let secret = Secret::new(tokens::random::<32>()?);
    let challenge = Challenge {
        hash: tokens::hash_of(&secret),
        account_id: account.id,
        subject: claimant.subject.as_str().to_owned(),
        device_id: claimant.device,
        attempts: 0,
    };
    challenges::add(work.db, &challenge, work.now)?;
    Reply::ok(&MfaRequired {
        mfa_required: true,
        challenge: secret.expose().to_owned(),
        expires_in: CHALLENGE.num_seconds(),
        methods: ["totp", "recovery_code"],
    })
}
