//! `GET /billing/catalogue/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::CatalogueItemId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::Item;
use crate::store;

/// One service, with all its prices.
#[utoipa::path(tag = "catalogue", params(("id" = Uuid, Path, description = "The service")),
    operation_id = "get_service",
    responses((status = 200, body = Item), Problems), security(("bearer" = ["catalogue:read"])))]
#[get("/billing/catalogue/{id}")]
pub async fn get(call: Call<scope::CatalogueRead>, id: web::Path<CatalogueItemId>) -> Result<Reply, Problem> {
    let id = id.into_inner();
    let item = call.read(move |db| Ok(store::catalogue::find(db, id)?)).await?;
    Ok(Reply::ok(&item)?.version(item.version))
}
