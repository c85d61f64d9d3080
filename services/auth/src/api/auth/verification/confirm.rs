//! `POST /auth/verification/confirm`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::id::AccountId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::own_account_locked;
use crate::domain::one_time::Purpose;
use crate::store::{accounts, one_time};
use crate::tokens;

/// What the mail carries.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The token.
    token: Secret,
}

/// Shows that a mail has reached the holder of an account. The token works once and for 24 hours.
#[utoipa::path(tag = "auth", operation_id = "verify_email", request_body = Confirmation,
    responses((status = 204, description = "The address is verified."), Problems))]
#[post("/auth/verification/confirm")]
pub async fn confirm(call: Call<scope::Anyone>, body: Json<Confirmation>) -> Result<Reply, Problem> {
    let token = tokens::hash_of(&body.into_inner().token);
    call.write_unkeyed(move |work| {
        let subject = one_time::find(work.db, Purpose::VerifyEmail, &token, work.now)?;
        let id: AccountId = subject.and_then(|id| id.parse().ok()).ok_or(Code::LinkInvalid)?;
        let account = own_account_locked(work.db, id).map_err(|_| Code::LinkInvalid)?;
        if !one_time::take(work.db, Purpose::VerifyEmail, &token, work.now)? {
            return Err(Code::LinkInvalid.into());
        }
        if let Some(verified) = account.with_verified_email(work.now) {
            if !accounts::verify_email(work.db, &verified, account.version)? {
                return Err(Code::PreconditionFailed.into());
            }
            let act = Act::new(Action::Update, "account").on(id).detail("e-mail address verified");
            work.audit(act.by(id, account.roles))?;
        }
        Ok(Reply::no_content())
    })
    .await
}
