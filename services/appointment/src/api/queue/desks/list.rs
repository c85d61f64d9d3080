//! `GET /queue/desks`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::Desk;
use crate::store::queue::{DeskFilters, list_desks};

/// The desks, newest first.
#[utoipa::path(tag = "queue", operation_id = "list_desks", params(List<DeskFilters>),
    responses((status = 200, body = Page<Desk>), Problems), security(("bearer" = ["queue:read"])))]
#[get("/queue/desks")]
pub async fn list(call: Call<scope::QueueRead>, list: List<DeskFilters>) -> Result<Reply, Problem> {
    Reply::ok(&call.read(move |db| Ok(list_desks(db, &list)?)).await?)
}
