//! `POST /auth/mfa/recovery-codes`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use super::RecoveryCodes;
use super::confirm::AppCode;
use crate::State;
use crate::api::auth::{Uncached, own_account_locked, uncached};

/// Gives ten new recovery codes, shown once, in place of all others. Asks for a code of the app, or for a recovery code.
#[utoipa::path(tag = "auth", operation_id = "renew_recovery_codes", request_body = AppCode,
    responses((status = 200, body = RecoveryCodes), Problems), security(("bearer" = [])))]
#[post("/auth/mfa/recovery-codes")]
pub async fn renew(
    call: Call<scope::InPerson>,
    state: web::Data<State>,
    body: Json<AppCode>,
) -> Result<Uncached, Problem> {
    let (id, sid) = (call.claims()?.sub, call.claims()?.sid);
    let code = body.into_inner().code;
    let reply = call.write_unkeyed(move |work| {
        let account = own_account_locked(work.db, id)?;
        if let Some(refusal) = super::refusal(work, &state, (id, sid), code.as_str())? {
            return Ok(refusal);
        }
        let codes = super::renew_codes(work, id)?;
        work.audit(Act::new(Action::Update, "account").on(account.id).detail("recovery codes"))?;
        Reply::ok(&codes)
    });
    Ok(uncached(reply.await?))
}
