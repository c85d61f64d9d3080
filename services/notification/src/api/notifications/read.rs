//! `POST /notifications/{id}/read`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::id::NotificationId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply};

use super::Notification;
use crate::State;
use crate::api::{check, sight};
use crate::domain::{ChannelKind, Message};
use crate::store::messages;

/// Notes that a message was read, one that is there to be read (`in_app`). A second time, the first stands.
#[utoipa::path(tag = "notifications", operation_id = "read_notification",
    params(("id" = Uuid, Path, description = "The message.")),
    responses((status = 200, body = Notification), Problems), security(("bearer" = ["notification:write"])))]
#[post("/notifications/{id}/read")]
pub async fn read(
    call: Call<scope::NotificationWrite>,
    state: web::Data<State>,
    id: web::Path<NotificationId>,
) -> Result<Reply, Problem> {
    let (sight, id) = (sight(&call, &state)?, id.into_inner());
    call.write(move |work| {
        let message = messages::hold(work.db, id)?;
        check(&sight, work.db, message.cause.patient_id, work.now)?;
        if message.channel != ChannelKind::InApp {
            return Err(Problem::new(Code::IllegalTransition).message("The message is not there to be read."));
        }
        let message = match message.read_at {
            Some(_) => message,
            None => {
                let read = Message { read_at: Some(work.now), ..message };
                messages::save(work.db, read)?.ok_or(Code::PreconditionFailed)?
            }
        };
        let version = message.version;
        Ok(Reply::ok(&Notification::from(message))?.version(version))
    })
    .await
}
