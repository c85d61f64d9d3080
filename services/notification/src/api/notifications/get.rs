//! `GET /notifications/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::NotificationId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use super::{NOTIFICATION, NotificationWithAttempts};
use crate::State;
use crate::api::{check, sight};
use crate::store::{attempts, messages};

/// Shows one message, with all that was tried to send it; patients see only their own.
#[utoipa::path(tag = "notifications", params(("id" = Uuid, Path, description = "The message.")),
    responses((status = 200, body = NotificationWithAttempts), Problems),
    security(("bearer" = ["notification:read"])))]
#[get("/notifications/{id}")]
pub async fn get(
    call: Call<scope::NotificationRead>,
    state: web::Data<State>,
    id: web::Path<NotificationId>,
) -> Result<Reply, Problem> {
    let (sight, id, now) = (sight(&call, &state)?, id.into_inner(), call.context().clock.now());
    let found = call.read(move |db| {
        let message = messages::find(db, id)?;
        check(&sight, db, message.cause.patient_id, now)?;
        Ok((message, attempts::of(db, id)?))
    });
    let (message, tried) = found.await?;
    call.disclose(Disclosure::one(NOTIFICATION, id, message.cause.patient_id)).await?;
    let version = message.version;
    Ok(Reply::ok(&NotificationWithAttempts::new(message, tried))?.version(version))
}
