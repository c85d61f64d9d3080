//! `GET /billing/catalogue`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::Item;
use crate::store::{self, catalogue::CatalogueFilters};

/// What can be billed, with all prices.
#[utoipa::path(tag = "catalogue", params(List<CatalogueFilters>), operation_id = "list_services",
    responses((status = 200, body = Page<Item>), Problems), security(("bearer" = ["catalogue:read"])))]
#[get("/billing/catalogue")]
pub async fn list(call: Call<scope::CatalogueRead>, list: List<CatalogueFilters>) -> Result<Reply, Problem> {
    Reply::ok(&call.read(move |db| Ok(store::catalogue::list(db, &list)?)).await?)
}
