//! `GET /webhooks`.

use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::id::DepartmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::Webhook;
use crate::store::webhooks;

list_filters! {
    /// What webhooks can be filtered by.
    pub struct WebhookFilters {
        enabled: bool = Set,
        department_id: DepartmentId = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["created_at"],
}

/// Lists webhooks, latest first, without their secrets.
#[utoipa::path(tag = "webhooks", operation_id = "list_webhooks", params(List<WebhookFilters>),
    responses((status = 200, body = Page<Webhook>), Problems), security(("bearer" = ["webhook:read"])))]
#[get("/webhooks")]
pub async fn list(call: Call<scope::WebhookRead>, list: List<WebhookFilters>) -> Result<Reply, Problem> {
    let reach = call.reach()?;
    let page = call.read(move |db| Ok(webhooks::list(db, &list, reach)?)).await?;
    Reply::ok(&page.map(Webhook::from))
}
