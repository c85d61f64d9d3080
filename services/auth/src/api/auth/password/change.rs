//! `POST /auth/password`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::State;
use crate::api::auth::{ending, own_account, own_account_locked, proof};
use crate::domain::one_time::Purpose;
use crate::store::sessions::Which;
use crate::store::{accounts, challenges, factors, one_time};

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present one; not asked for within 10 minutes of the sign-in.
    current_password: Option<Secret>,
    /// The new one: 15 to 128 characters, 8 where the account has a second factor.
    new_password: Secret,
}

/// Changes one's own password, and ends all other sessions.
#[utoipa::path(tag = "auth", operation_id = "change_password", request_body = PasswordChange,
    responses((status = 204, description = "It is changed."), Problems), security(("bearer" = [])))]
#[post("/auth/password")]
pub async fn change(
    call: Call<scope::InPerson>,
    state: web::Data<State>,
    body: Json<PasswordChange>,
) -> Result<Reply, Problem> {
    let PasswordChange { current_password, new_password } = body.into_inner();
    let (id, sid) = (call.claims()?.sub, call.claims()?.sid);
    let known = call.read(move |db| Ok((own_account(db, id)?, factors::has_factor(db, id)?)));
    let (account, second_factor) = known.await?;
    super::check(&new_password, &account, second_factor, "new_password")?;
    let proof = proof::prove(&call, &state, current_password).await?;
    let hash = state.hashing.hash(new_password).await?;
    call.write_unkeyed(move |work| {
        let account = own_account_locked(work.db, id)?;
        proof.holds(work, id)?;
        // What made the shorter password good enough may have been taken away meanwhile.
        if second_factor && !factors::has_factor(work.db, id)? {
            return Err(hms_problem::Code::PreconditionFailed.into());
        }
        accounts::set_password(work.db, id, &hash, work.now)?;
        challenges::forget(work.db, id)?;
        one_time::forget(work.db, Purpose::ResetPassword, &id.to_string())?;
        work.audit(Act::new(Action::Update, "account").on(account.id).detail("password"))?;
        ending::end(work, id, Which::Others(sid), "password changed")?;
        Ok(Reply::no_content())
    })
    .await
}
