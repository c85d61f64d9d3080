//! `GET /notifications/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::NotificationId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure, Reply};

use super::{NOTIFICATION, NotificationWithAttempts};
use crate::store::{attempts, messages};

/// Shows one message, with all that was tried to send it; patients see only their own.
#[utoipa::path(tag = "notifications", params(("id" = Uuid, Path, description = "The message.")),
    responses((status = 200, body = NotificationWithAttempts), Problems),
    security(("bearer" = ["notification:read"])))]
#[get("/notifications/{id}")]
pub async fn get(
    call: Call<scope::NotificationRead>,
    id: web::Path<NotificationId>,
) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let (message, tried) = call.read(move |db| Ok((messages::find(db, id)?, attempts::of(db, id)?))).await?;
    if !reach.covers(message.cause.patient_id) {
        return Err(Code::NotFound.into());
    }
    call.disclose(Disclosure::one(NOTIFICATION, id, message.cause.patient_id)).await?;
    let version = message.version;
    Ok(Reply::ok(&NotificationWithAttempts::new(message, tried))?.version(version))
}
