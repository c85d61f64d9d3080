//! `GET /notification-templates/{kind}/{channel}/{language}/versions`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::Language;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::list::NotificationTemplates;
use super::{NotificationTemplate, key};
use crate::domain::{ChannelKind, Kind};
use crate::store::templates;

/// How many are shown.
const MOST: i64 = 100;

/// Lists the latest 100 versions of the words that people have written, latest first; at the end those that come with the
/// service.
#[utoipa::path(tag = "notification-templates", operation_id = "list_notification_template_versions",
    params(
        ("kind" = Kind, Path, description = "What the message is about."),
        ("channel" = ChannelKind, Path, description = "The way it goes."),
        ("language" = Language, Path, description = "The language."),
    ),
    responses((status = 200, body = NotificationTemplates), Problems), security(("bearer" = ["template:read"])))]
#[get("/notification-templates/{kind}/{channel}/{language}/versions")]
pub async fn versions(
    call: Call<scope::TemplateRead>,
    path: web::Path<(Kind, ChannelKind, Language)>,
) -> Result<Reply, Problem> {
    let key = key(path.into_inner());
    let written = call.read(move |db| Ok(templates::versions(db, key, MOST)?)).await?;
    let written = written.into_iter().map(NotificationTemplate::from);
    Reply::ok(&NotificationTemplates {
        results: written.chain([NotificationTemplate::built_in(key)]).collect(),
    })
}
