//! `GET /push-subscriptions`.

use std::sync::Arc;

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use super::{PushSubscription, SUBSCRIPTION};
use crate::State;
use crate::api::sight;
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

/// Lists browsers and devices that have asked for messages, latest first; patients see only their own, and where records
/// are the care team's, those who treat only those of patients in their care.
#[utoipa::path(tag = "push-subscriptions", operation_id = "list_push_subscriptions",
    params(List<SubscriptionFilters>),
    responses((status = 200, body = Page<PushSubscription>), Problems),
    security(("bearer" = ["notification:read"])))]
#[get("/push-subscriptions")]
pub async fn list(
    call: Call<scope::NotificationRead>,
    state: web::Data<State>,
    list: List<SubscriptionFilters>,
) -> Result<Reply, Problem> {
    let (sight, now) = (sight(&call, &state)?, call.context().clock.now());
    let seal = Arc::clone(&state.desk.devices);
    let page = call.read(move |db| Ok(push_subscriptions::list(db, (&list, &seal), &sight, now)?)).await?;
    let patients = page.results.iter().map(|subscription| subscription.patient_id);
    call.disclose(Disclosure::list(SUBSCRIPTION, patients)).await?;
    Reply::ok(&page.map(PushSubscription::from))
}
