//! `GET /dead-letters`.

use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::role::scope;
use hms_problem::Problem;

use super::{DeadLetterView, RESOURCE, store};
use crate::{Call, Disclosure, Reply};

list_filters! {
    /// What the letters can be filtered by.
    pub struct LetterFilters {
        kind: String = Set,
        subject: String = Set,
        died_at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["died_at"],
}

/// Lists the events that the service could not take, without their content; the newest event first.
#[utoipa::path(tag = "dead letters", operation_id = "list_dead_letters", params(List<LetterFilters>),
    responses((status = 200, body = Page<DeadLetterView>), Problems), security(("bearer" = ["operation:read"])))]
#[get("/dead-letters")]
pub(crate) async fn list(
    call: Call<scope::OperationRead>,
    list: List<LetterFilters>,
) -> Result<Reply, Problem> {
    let page = call.read(move |db| Ok(store::page(db, &list)?)).await?;
    let patients = page.results.iter().flat_map(|heading| heading.patients.iter().copied());
    call.disclose(Disclosure::list(RESOURCE, patients).always()).await?;
    Reply::ok(&page.map(DeadLetterView::from))
}
