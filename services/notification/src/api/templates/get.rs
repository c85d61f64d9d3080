//! `GET /notification-templates/{kind}/{channel}/{language}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::Language;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{NotificationTemplate, key};
use crate::domain::{ChannelKind, Kind};
use crate::store::templates;

/// Shows the words that such messages are made of now.
#[utoipa::path(tag = "notification-templates", operation_id = "get_notification_template",
    params(
        ("kind" = Kind, Path, description = "What the message is about."),
        ("channel" = ChannelKind, Path, description = "The way it goes."),
        ("language" = Language, Path, description = "The language."),
    ),
    responses((status = 200, body = NotificationTemplate), Problems), security(("bearer" = ["template:read"])))]
#[get("/notification-templates/{kind}/{channel}/{language}")]
pub async fn get(
    call: Call<scope::TemplateRead>,
    path: web::Path<(Kind, ChannelKind, Language)>,
) -> Result<Reply, Problem> {
    let key = key(path.into_inner());
    let own = call.read(move |db| Ok(templates::newest(db, key)?)).await?;
    let template = own.map_or_else(|| NotificationTemplate::built_in(key), Into::into);
    let version = template.version;
    Ok(Reply::ok(&template)?.version(version))
}
