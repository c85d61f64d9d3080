//! `GET /accounting/entries`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::api::of_the_whole;
use crate::domain::Entry;
use crate::store::{self, ledger::EntryFilters};

/// The entries of the ledger, newest first.
#[utoipa::path(tag = "ledger", params(List<EntryFilters>), operation_id = "list_entries",
    responses((status = 200, body = Page<Entry>), Problems), security(("bearer" = ["ledger:read"])))]
#[get("/accounting/entries")]
pub async fn list(call: Call<scope::LedgerRead>, list: List<EntryFilters>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    Reply::ok(&call.read(move |db| Ok(store::ledger::list(db, &list)?)).await?)
}
