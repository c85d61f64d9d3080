//! `GET /webhooks/{id}/deliveries`.

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::id::{EventId, WebhookId};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::DeliverySummary;
use crate::domain::webhook::DeliveryStatus;
use crate::store::webhooks::{self, deliveries};

list_filters! {
    /// What deliveries can be filtered by.
    pub struct DeliveryFilters {
        status: DeliveryStatus = Set,
        event_type: String = Set,
        event_id: EventId = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["created_at"],
}

/// Lists the deliveries to a webhook, latest first, without what they say.
#[utoipa::path(tag = "webhooks", operation_id = "list_webhook_deliveries",
    params(("id" = Uuid, Path, description = "The webhook."), List<DeliveryFilters>),
    responses((status = 200, body = Page<DeliverySummary>), Problems), security(("bearer" = ["webhook:read"])))]
#[get("/webhooks/{id}/deliveries")]
pub async fn list(
    call: Call<scope::WebhookRead>,
    id: web::Path<WebhookId>,
    list: List<DeliveryFilters>,
) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let page = call.read(move |db| {
        webhooks::find(db, id, reach)?;
        Ok(deliveries::list(db, id, &list)?)
    });
    Reply::ok(&page.await?.map(DeliverySummary::from))
}
