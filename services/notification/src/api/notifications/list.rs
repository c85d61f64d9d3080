//! `GET /notifications`.

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use super::{NOTIFICATION, Notification};
use crate::State;
use crate::api::sight;
use crate::domain::{ChannelKind, Kind, Status};
use crate::store::messages;

list_filters! {
    /// What messages can be filtered by.
    pub struct NotificationFilters {
        status: Status = Set,
        channel: ChannelKind = Set,
        kind: Kind = Set,
        patient_id: PatientId = Set,
        read: bool = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["created_at"],
}

/// Lists messages, latest first; patients see only their own, and where records are the care team's, those who treat only
/// those to patients in their care.
#[utoipa::path(tag = "notifications", params(List<NotificationFilters>),
    responses((status = 200, body = Page<Notification>), Problems), security(("bearer" = ["notification:read"])))]
#[get("/notifications")]
pub async fn list(
    call: Call<scope::NotificationRead>,
    state: web::Data<State>,
    list: List<NotificationFilters>,
) -> Result<Reply, Problem> {
    let (sight, now) = (sight(&call, &state)?, call.context().clock.now());
    let page = call.read(move |db| Ok(messages::list(db, &list, &sight, now)?)).await?;
    let page = page.map(Notification::from);
    call.disclose(Disclosure::list(NOTIFICATION, page.results.iter().map(|message| message.patient_id)))
        .await?;
    Reply::ok(&page)
}
