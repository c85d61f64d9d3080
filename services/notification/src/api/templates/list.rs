//! `GET /notification-templates`.

use actix_web::get;
use hms_api::Problems;
use hms_model::Coded as _;
use hms_model::Language;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use super::NotificationTemplate;
use crate::domain::{ChannelKind, Kind, TemplateKey};
use crate::store::templates;

/// The words of all messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationTemplates {
    /// By kind, channel and language.
    pub results: Vec<NotificationTemplate>,
}

/// Lists the words that messages are made of now: of each kind, for each way, in each language.
#[utoipa::path(tag = "notification-templates", operation_id = "list_notification_templates",
    responses((status = 200, body = NotificationTemplates), Problems), security(("bearer" = ["template:read"])))]
#[get("/notification-templates")]
pub async fn list(call: Call<scope::TemplateRead>) -> Result<Reply, Problem> {
    let written = call.read(|db| Ok(templates::all(db)?)).await?;
    let mut results = Vec::new();
    for kind in Kind::ALL {
        for channel in ChannelKind::ALL {
            for language in Language::ALL {
                let key = TemplateKey { kind: *kind, channel: *channel, language: *language };
                let own = written.iter().find(|template| template.key == key);
                results.push(own.cloned().map_or_else(|| NotificationTemplate::built_in(key), Into::into));
            }
        }
    }
    Reply::ok(&NotificationTemplates { results })
}
