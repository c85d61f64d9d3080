//! `POST /auth/mfa/totp/disable`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::{AccountId, SessionId};
use hms_model::role::scope;
use hms_model::{Secret, Text};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::State;
use crate::api::auth::own_account_locked;
use crate::api::auth::proof::{self, Proof};
use crate::domain::password;
use crate::store::factors;

/// Who does without a second factor from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disabling {
    /// The password.
    password: Secret,
    /// A code of the app, or a recovery code.
    #[schema(value_type = String, examples("492039"))]
    code: Text<1, 40>,
}

/// Takes the second factor and the recovery codes away. A password of fewer than 15 characters must be changed first,
/// since it is not good enough alone.
#[utoipa::path(tag = "auth", operation_id = "disable_second_factor", request_body = Disabling,
    responses((status = 204, description = "There is none any more."), Problems), security(("bearer" = [])))]
#[post("/auth/mfa/totp/disable")]
pub async fn disable(
    call: Call<scope::InPerson>,
    state: web::Data<State>,
    body: Json<Disabling>,
) -> Result<Reply, Problem> {
    let (id, sid) = (call.claims()?.sub, call.claims()?.sid);
    let Disabling { password, code } = body.into_inner();
    let good_alone = password::check(password.expose(), &[]);
    let proof = proof::prove(&call, &state, Some(password)).await?;
    good_alone.map_err(|weakness| Problem::field(Code::WeakPassword, "password", weakness))?;
    call.write_unkeyed(move |work| judge(work, &state, (id, sid), &proof, code.as_str())).await
}

fn judge(
    work: &mut Work<'_>,
    state: &State,
    (id, sid): (AccountId, SessionId),
    proof: &Proof,
    code: &str,
) -> Result<Reply, Problem> {
    own_account_locked(work.db, id)?;
    proof.holds(work, id)?;
    if let Some(refusal) = super::refusal(work, state, (id, sid), code)? {
        return Ok(refusal);
    }
    factors::remove(work.db, id)?;
    work.audit(Act::new(Action::Update, "account").on(id).detail("second factor disabled"))?;
    Ok(Reply::no_content())
}
