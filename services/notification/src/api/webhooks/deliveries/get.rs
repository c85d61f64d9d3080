//! `GET /webhooks/deliveries/{id}`.

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use hms_api::Problems;
use hms_model::id::WebhookDeliveryId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use super::DeliverySummary;
use crate::api::webhooks::WEBHOOK_DELIVERY;
use crate::domain::webhook::Attempt;
use crate::store::webhooks::{self, attempts, deliveries};

/// A delivery with what was sent and what was answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryDetails {
    #[serde(flatten)]
    delivery: DeliverySummary,
    /// The body of every attempt, byte by byte.
    payload: String,
    /// The attempts, first to last. One whose process was killed is missing.
    log: Vec<AttemptDetails>,
}

/// One attempt. Its headers were `webhook-id` (the event), `webhook-timestamp` (the seconds of `at`) and a
/// `webhook-signature`, which is kept nowhere.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptDetails {
    /// Which it was, from 1.
    number: i64,
    /// When.
    at: DateTime<Utc>,
    /// Where it went.
    url: String,
    /// The status of the answer; null where there was none.
    status: Option<u16>,
    /// The beginning of the answer, up to 4 KiB.
    answer: Option<String>,
    /// Why there was no answer.
    error: Option<String>,
    /// How long it took, in milliseconds.
    took_ms: i64,
}

impl From<Attempt> for AttemptDetails {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            at: attempt.at,
            url: attempt.url,
            status: attempt.outcome.status,
            answer: attempt.outcome.body,
            error: attempt.outcome.error,
            took_ms: attempt.outcome.took_ms,
        }
    }
}

/// Shows a delivery with what was sent and what was answered. What it tells of a patient is an access that is audited.
#[utoipa::path(tag = "webhooks", operation_id = "get_webhook_delivery",
    params(("id" = Uuid, Path, description = "The delivery.")),
    responses((status = 200, body = DeliveryDetails), Problems), security(("bearer" = ["webhook:read"])))]
#[get("/webhooks/deliveries/{id}")]
pub async fn get(call: Call<scope::WebhookRead>, id: web::Path<WebhookDeliveryId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let read = call.read(move |db| {
        let delivery = deliveries::find(db, id)?;
        webhooks::find(db, delivery.webhook_id, reach)?;
        Ok((delivery, attempts::of(db, id)?))
    });
    let (delivery, log) = read.await?;
    call.disclose(Disclosure::record(WEBHOOK_DELIVERY, id, delivery.patient_id)).await?;
    let (version, payload) = (delivery.version, delivery.payload.clone());
    let log = log.into_iter().map(AttemptDetails::from).collect();
    Ok(Reply::ok(&DeliveryDetails { delivery: delivery.into(), payload, log })?.version(version))
}
