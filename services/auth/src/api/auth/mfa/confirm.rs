//! `POST /auth/mfa/totp/confirm`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::Text;
use hms_model::audit::Action;
use hms_model::id::SessionId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::RecoveryCodes;
use crate::State;
use crate::api::auth::guard::{self, Failure, Subject};
use crate::api::auth::{Uncached, own_account_locked, uncached};
use crate::domain::account::Account;
use crate::store::{factors, sessions};

/// A code of the app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppCode {
    /// Six digits.
    #[schema(value_type = String, examples("492039"))]
    pub(super) code: Text<1, 40>,
}

/// Shows that the app has the secret; from now on signing in takes a code of it. Gives the recovery codes, shown once.
/// The session counts as one with a second factor from its next refresh on.
#[utoipa::path(tag = "auth", operation_id = "confirm_second_factor", request_body = AppCode,
    responses((status = 200, body = RecoveryCodes), Problems), security(("bearer" = [])))]
#[post("/auth/mfa/totp/confirm")]
pub async fn confirm(
    call: Call<scope::Enrolling>,
    state: web::Data<State>,
    body: Json<AppCode>,
) -> Result<Uncached, Problem> {
    let (id, sid) = (call.claims()?.sub, call.claims()?.sid);
    let code = body.into_inner().code;
    let reply = call.write_unkeyed(move |work| {
        let account = own_account_locked(work.db, id)?;
        judge(work, &state, (&account, sid), code.as_str())
    });
    Ok(uncached(reply.await?))
}

fn judge(
    work: &mut Work<'_>,
    state: &State,
    (account, sid): (&Account, SessionId),
    code: &str,
) -> Result<Reply, Problem> {
    let subject = Subject::of_session(sid);
    if let Some(until) = guard::locked_until(work.db, &subject, work.now)? {
        return guard::locked_out(work, state, Some(account.id), until);
    }
    let begun = factors::totp(work.db, account.id)?.filter(|app| !app.confirmed);
    let app = begun.ok_or_else(|| {
        Problem::new(Code::IllegalTransition).message("There is no second factor to be confirmed.")
    })?;
    let Some(step) = super::step_of(state, account.id, &app, code, work.now)? else {
        let told = Code::CodeWrong.into();
        let failure = Failure { subject: &subject, account: Some(account.id), reason: "wrong code", told };
        return guard::failed(work, state, failure);
    };
    if !factors::confirm(work.db, account.id, &app, step, work.now)? {
        return Err(Code::PreconditionFailed.into());
    }
    let codes = super::renew_codes(work, account.id)?;
    sessions::add_factor(work.db, sid)?;
    guard::forgive(work, &subject)?;
    work.audit(Act::new(Action::Update, "account").on(account.id).detail("second factor"))?;
    Reply::ok(&codes)
}
