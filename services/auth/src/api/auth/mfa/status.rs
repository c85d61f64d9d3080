//! `GET /auth/mfa`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use crate::State;
use crate::api::auth::own_account;
use crate::store::factors;

/// How one's account is protected.
#[derive(Serialize, ToSchema)]
pub struct MfaStatus {
    /// Whether there is an authenticator app.
    totp: bool,
    /// How many recovery codes are left.
    recovery_codes_left: i64,
    /// Whether a second factor is required of one's roles.
    required: bool,
}

/// Says whether one has a second factor.
#[utoipa::path(tag = "auth", operation_id = "get_second_factor", responses((status = 200, body = MfaStatus), Problems), security(("bearer" = [])))]
#[get("/auth/mfa")]
pub async fn status(call: Call<scope::Enrolling>, state: web::Data<State>) -> Result<Reply, Problem> {
    let id = call.claims()?.sub;
    let status = call.read(move |db| {
        let account = own_account(db, id)?;
        Ok(MfaStatus {
            totp: factors::has_factor(db, id)?,
            recovery_codes_left: factors::recovery_codes_left(db, id)?,
            required: state.must_have_factor(&account.roles),
        })
    });
    Reply::ok(&status.await?)
}
