//! `GET /accounting/entries/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::LedgerEntryId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::api::of_the_whole;
use crate::domain::Entry;
use crate::store;

/// One entry of the ledger.
#[utoipa::path(tag = "ledger", params(("id" = Uuid, Path, description = "The entry")),
    operation_id = "get_entry",
    responses((status = 200, body = Entry), Problems), security(("bearer" = ["ledger:read"])))]
#[get("/accounting/entries/{id}")]
pub async fn get(call: Call<scope::LedgerRead>, id: web::Path<LedgerEntryId>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let id = id.into_inner();
    Reply::ok(&call.read(move |db| Ok(store::ledger::find(db, id)?)).await?)
}
