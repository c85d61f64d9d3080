//! `POST /auth/password/reset`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::id::AccountId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::State;
use crate::api::auth::ending::{self, Keys};
use crate::api::auth::guard::{self, Subject};
use crate::api::auth::{own_account, own_account_locked};
use crate::domain::one_time::Purpose;
use crate::store::{accounts, challenges, factors, one_time};
use crate::tokens;

/// Another password for whoever has got the mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// What the mail carries.
    token: Secret,
    /// The new password: 15 to 128 characters, 8 where the account has a second factor.
    password: Secret,
}

/// Sets another password by the token of a mail, which works once and for 30 minutes. Ends all sessions, and the waits
/// after failed attempts; a second factor stays.
#[utoipa::path(tag = "auth", operation_id = "reset_password", request_body = PasswordReset,
    responses((status = 204, description = "It is set."), Problems))]
#[post("/auth/password/reset")]
pub async fn reset(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    body: Json<PasswordReset>,
) -> Result<Reply, Problem> {
    let PasswordReset { token, password } = body.into_inner();
    let (token, now) = (tokens::hash_of(&token), call.context().clock.now());
    let asked = token.clone();
    let known = call.read(move |db| {
        let subject = one_time::find(db, Purpose::ResetPassword, &asked, now)?;
        let id: AccountId = subject.and_then(|id| id.parse().ok()).ok_or(Code::LinkInvalid)?;
        let account = own_account(db, id).map_err(|_| Code::LinkInvalid)?;
        Ok((account, factors::has_factor(db, id)?))
    });
    let (account, second_factor) = known.await?;
    super::check(&password, &account, second_factor, "password")?;
    let hash = state.hashing.hash(password).await?;
    call.write_unkeyed(move |work| set(work, account.id, (&token, &hash), second_factor)).await
}

fn set(
    work: &mut Work<'_>,
    id: AccountId,
    (token, hash): (&str, &str),
    second_factor: bool,
) -> Result<Reply, Problem> {
    let account = own_account_locked(work.db, id).map_err(|_| Code::LinkInvalid)?;
    if !one_time::take(work.db, Purpose::ResetPassword, token, work.now)? {
        return Err(Code::LinkInvalid.into());
    }
    // What made the shorter password good enough may have been taken away meanwhile.
    if second_factor && !factors::has_factor(work.db, id)? {
        return Err(Code::PreconditionFailed.into());
    }
    // The mail has reached them.
    if let Some(verified) = account.with_verified_email(work.now) {
        accounts::verify_email(work.db, &verified, account.version)?;
    }
    accounts::set_password(work.db, id, hash, work.now)?;
    one_time::forget(work.db, Purpose::ResetPassword, &id.to_string())?;
    challenges::forget(work.db, id)?;
    guard::forgive(work, &Subject::of_account(id))?;
    let act = Act::new(Action::Update, "account").on(id).detail("password, by mail");
    work.audit(act.by(id, account.roles))?;
    ending::end_everything(work, id, Keys::Kept, "password reset")?;
    Ok(Reply::no_content())
}
