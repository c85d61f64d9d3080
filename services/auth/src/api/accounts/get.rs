//! `GET /accounts/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::AccountId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::account::Account;
use crate::store::accounts;

/// Shows an account.
#[utoipa::path(
    tag = "accounts",
    params(("id" = Uuid, Path, description = "The account.")),
    responses((status = 200, body = Account), Problems),
    security(("bearer" = ["account:write"]))
)]
#[get("/accounts/{id}")]
pub async fn get(call: Call<scope::AccountWrite>, id: web::Path<AccountId>) -> Result<Reply, Problem> {
    let id = id.into_inner();
    let account = call.read(move |db| Ok(accounts::find(db, id)?)).await?;
    super::shown(&account)
}
