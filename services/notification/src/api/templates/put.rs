//! `PUT /notification-templates/{kind}/{channel}/{language}`.

use actix_web::{put, web};
use hms_api::{Json, Problems};
use hms_model::Language;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use super::{NewWords, NotificationTemplate, TEMPLATE, key};
use crate::domain::{ChannelKind, Kind, Template};
use crate::store::templates;

/// Writes other words for such messages: a new version. What stands in messages already stays as it is.
#[utoipa::path(tag = "notification-templates", operation_id = "put_notification_template", request_body = NewWords,
    params(
        ("kind" = Kind, Path, description = "What the message is about."),
        ("channel" = ChannelKind, Path, description = "The way it goes."),
        ("language" = Language, Path, description = "The language."),
    ),
    responses((status = 200, body = NotificationTemplate), Problems), security(("bearer" = ["template:write"])))]
#[put("/notification-templates/{kind}/{channel}/{language}")]
pub async fn put(
    call: Call<scope::TemplateWrite>,
    path: web::Path<(Kind, ChannelKind, Language)>,
    body: Json<NewWords>,
) -> Result<Reply, Problem> {
    let (key, author) = (key(path.into_inner()), call.claims()?.sub);
    let words = body.into_inner().checked(key)?;
    call.write(move |work| {
        let before = templates::newest(work.db, key)?.map_or(0, |template| template.version);
        work.check_version(before)?;
        let (id, created_at) = (work.new_id(), work.now);
        let template = Template { id, key, version: before + 1, words, author, created_at };
        if !templates::add(work.db, &template)? {
            return Err(Code::PreconditionFailed.into());
        }
        let detail = format!("{} {} {}", key.kind, key.channel, key.language);
        work.audit(Act::new(Action::Update, TEMPLATE).on(id).detail(detail))?;
        let version = template.version;
        Ok(Reply::ok(&NotificationTemplate::from(template))?.version(version))
    })
    .await
}
