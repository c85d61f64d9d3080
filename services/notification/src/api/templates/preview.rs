//! `POST /notification-templates/{kind}/{channel}/{language}/preview`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::Language;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use super::{NewWords, key};
use crate::State;
use crate::domain::{About, ChannelKind, Kind, Variable, Words};

/// A message as it would read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// The subject line.
    subject: String,
    /// The text.
    body: String,
}

/// Shows how a message would read that is made of these words, of an example. Nothing is kept, and nothing is sent.
#[utoipa::path(tag = "notification-templates", operation_id = "preview_notification_template", request_body = NewWords,
    params(
        ("kind" = Kind, Path, description = "What the message is about."),
        ("channel" = ChannelKind, Path, description = "The way it goes."),
        ("language" = Language, Path, description = "The language."),
    ),
    responses((status = 200, body = Preview), Problems), security(("bearer" = ["template:read"])))]
#[post("/notification-templates/{kind}/{channel}/{language}/preview")]
pub async fn preview(
    call: Call<scope::TemplateRead>,
    state: web::Data<State>,
    path: web::Path<(Kind, ChannelKind, Language)>,
    body: Json<NewWords>,
) -> Result<Reply, Problem> {
    let key = key(path.into_inner());
    let words = body.into_inner().checked(key)?;
    let about = About::example(key.kind, call.context().clock.now());
    let mut values = about.values(None, key.language, &state.desk.house.manner);
    values.insert(Variable::PatientName, "Ann Lee".to_owned());
    let Words { subject, body } = words.fill(&values);
    Reply::ok(&Preview { subject, body })
}
