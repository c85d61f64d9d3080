//! `GET /auth/me`.

use actix_web::get;
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply};

use crate::domain::account::Account;
use crate::store::accounts;

/// Shows the caller's own account.
#[utoipa::path(tag = "auth", responses((status = 200, body = Account), Problems), security(("bearer" = [])))]
#[get("/auth/me")]
pub async fn me(call: Call<scope::SignedIn>) -> Result<Reply, Problem> {
    let id = call.claims()?.sub;
    let account = call.read(move |db| match accounts::find(db, id) {
        Err(hms_db::Error::NotFound) => Err(Code::Unauthenticated.into()),
        found => Ok(found?),
    });
    let account = account.await?;
    if !account.is_active() {
        return Err(Code::Unauthenticated.into());
    }
    Ok(Reply::ok(&account)?.version(account.version))
}
