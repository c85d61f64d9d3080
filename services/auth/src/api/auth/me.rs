//! `GET /auth/me`.

use actix_web::get;
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::own_account;
use crate::domain::account::Account;

/// Shows the caller's own account.
#[utoipa::path(tag = "auth", responses((status = 200, body = Account), Problems), security(("bearer" = [])))]
#[get("/auth/me")]
pub async fn me(call: Call<scope::SignedIn>) -> Result<Reply, Problem> {
    let id = call.claims()?.sub;
    let account = call.read(move |db| own_account(db, id)).await?;
    Ok(Reply::ok(&account)?.version(account.version))
}
