//! `GET /notification-preferences/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use super::{NotificationPreferences, PREFERENCES, check};
use crate::State;
use crate::api::sight;
use crate::store::preferences;

/// Shows which messages a patient wants; patients see only their own.
#[utoipa::path(tag = "notification-preferences", operation_id = "get_notification_preferences",
    params(("id" = Uuid, Path, description = "The patient.")),
    responses((status = 200, body = NotificationPreferences), Problems),
    security(("bearer" = ["notification:read"])))]
#[get("/notification-preferences/{id}")]
pub async fn get(
    call: Call<scope::NotificationRead>,
    state: web::Data<State>,
    id: web::Path<PatientId>,
) -> Result<Reply, Problem> {
    let (sight, id, now) = (sight(&call, &state)?, id.into_inner(), call.context().clock.now());
    let wishes = call.read(move |db| {
        check(&sight, db, id, now)?;
        Ok(preferences::find(db, id)?)
    });
    let wishes = wishes.await?;
    call.disclose(Disclosure::one(PREFERENCES, id, id)).await?;
    let version = wishes.version;
    Ok(Reply::ok(&NotificationPreferences::new(wishes, &state.desk.house))?.version(version))
}
