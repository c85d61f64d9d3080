//! `GET /push-subscriptions`.

use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use super::{PushSubscription, SUBSCRIPTION};
use crate::store::push_subscriptions;

list_filters! {
    /// What subscriptions can be filtered by.
    pub struct SubscriptionFilters {
        patient_id: PatientId = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["created_at"],
}

/// Lists browsers and devices that have asked for messages, latest first; patients see only their own.
#[utoipa::path(tag = "push-subscriptions", operation_id = "list_push_subscriptions",
    params(List<SubscriptionFilters>),
    responses((status = 200, body = Page<PushSubscription>), Problems),
    security(("bearer" = ["notification:read"])))]
#[get("/push-subscriptions")]
pub async fn list(
    call: Call<scope::NotificationRead>,
    list: List<SubscriptionFilters>,
) -> Result<Reply, Problem> {
    let reach = call.reach()?;
    let page = call.read(move |db| Ok(push_subscriptions::list(db, &list, reach)?)).await?;
    let patients = page.results.iter().map(|subscription| subscription.patient_id);
    call.disclose(Disclosure::list(SUBSCRIPTION, patients)).await?;
    Reply::ok(&page.map(PushSubscription::from))
}
