//! `POST /notifications/resend`.

use actix_web::{post, web};
use chrono::{DateTime, Utc};
use hms_api::{Json, Problems};
use hms_bus::dead_letters;
use hms_model::audit::Action;
use hms_model::id::{EventId, NotificationId};
use hms_model::role::{Reach, scope};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::NOTIFICATION;
use crate::domain::{ChannelKind, Kind, Message, Status};
use crate::house::House;
use crate::renewing::renew;
use crate::sender::enqueue;
use crate::store::dead_addresses;
use crate::store::messages::{self, Which};
use crate::{Desk, State};

/// The most that are sent again with one request.
const MOST: i64 = 1_000;

/// What of those that have ended is sent again.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// What could not be sent.
    Failed,
    /// What there was nowhere to send.
    Skipped,
}

/// Which messages to send again: one by its id, or those that match all that is named.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"status": "failed", "channel": "sms", "since": "2026-03-02T08:00:00Z"})))]
pub struct Resend {
    /// This one.
    #[serde(default)]
    id: Option<NotificationId>,
    /// This one also when it was sent already, and also to an address that was given up.
    #[serde(default)]
    force: bool,
    /// What has become of them: `failed` unless it says `skipped`.
    #[serde(default)]
    status: Option<Ended>,
    /// What they are about.
    #[serde(default)]
    kind: Option<Kind>,
    /// The way they went.
    #[serde(default)]
    channel: Option<ChannelKind>,
    /// Those of events since this moment.
    #[serde(default)]
    since: Option<DateTime<Utc>>,
}

/// How many are sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Resent {
    /// So many.
    count: usize,
    /// Whether there are more that match: ask once more.
    more: bool,
}

/// Sends messages again that have failed, to the address and with the words of today, oldest first. What is pending, what
/// was sent, what would be of no use any more and what has no address now is left alone; `force` sends one again that was
/// sent.
#[utoipa::path(tag = "notifications", operation_id = "resend_notifications", request_body = Resend,
    responses((status = 200, body = Resent), Problems), security(("bearer" = ["notification:send"])))]
#[post("/notifications/resend")]
pub async fn resend(
    call: Call<scope::NotificationSend>,
    state: web::Data<State>,
    body: Json<Resend>,
) -> Result<Reply, Problem> {
    // A message belongs to no department.
    if call.reach()? != Reach::Everyone {
        return Err(Code::Forbidden.into());
    }
    let (asked, desk) = (body.into_inner(), state.desk.clone());
    check(&asked)?;
    call.write(move |work| send(work, &desk, &asked)).await
}

fn check(asked: &Resend) -> Result<(), Problem> {
    let is_filtered =
        asked.status.is_some() || asked.kind.is_some() || asked.channel.is_some() || asked.since.is_some();
    match (asked.id, is_filtered) {
        (Some(_), true) => Err(Problem::field(Code::Unprocessable, "id", "one is named by its id alone")),
        (None, false) => Err(Problem::field(
            Code::Unprocessable,
            "id",
            "name one, or say which: status, kind, channel, since",
        )),
        (None, true) if asked.force => {
            Err(Problem::field(Code::Unprocessable, "force", "is for one that is named by its id"))
        }
        _ => Ok(()),
    }
}

fn send(work: &mut Work<'_>, desk: &Desk, asked: &Resend) -> Result<Reply, Problem> {
    let found = match asked.id {
        Some(id) => vec![one(work, id, asked.force)?],
        None => messages::ended(work.db, &which(asked), MOST + 1)?,
    };
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let more = found.len() > most;
    let mut patients = Vec::new();
    for message in found.into_iter().take(most) {
        let patient = message.cause.patient_id;
        if again(work, &desk.house, message)? {
            patients.push(patient);
        }
    }
    let count = patients.len();
    let act =
        Act::new(Action::Execute, NOTIFICATION).of_patients(patients).detail(format!("{count} sent again"));
    work.audit(match asked.id {
        Some(id) => act.on(id),
        None => act,
    })?;
    Reply::ok(&Resent { count, more })
}

fn which(asked: &Resend) -> Which {
    let status = match asked.status {
        Some(Ended::Skipped) => Status::Skipped,
        Some(Ended::Failed) | None => Status::Failed,
    };
    Which { status, kind: asked.kind, channel: asked.channel, since: asked.since }
}

/// The one that is named, where it may be sent again.
fn one(work: &mut Work<'_>, id: NotificationId, force: bool) -> Result<Message, Problem> {
    let message = messages::hold(work.db, id)?;
    let is_sent_again = match message.status {
        Status::Pending => false,
        Status::Sent => force && message.channel != ChannelKind::InApp,
        Status::Failed | Status::Skipped => true,
    };
    if !is_sent_again {
        let message = format!("The message is {}.", message.status);
        return Err(Problem::new(Code::IllegalTransition).message(message));
    }
    if let Some(letter) = message.letter.as_ref().filter(|_| force) {
        dead_addresses::remove(work.db, message.channel, &letter.recipient)?;
    }
    Ok(message)
}

/// Makes it pending once more; false where there is nowhere to send it, or no use in it.
fn again(work: &mut Work<'_>, house: &House, message: Message) -> Result<bool, Problem> {
    let Some(message) = renew(work.db, house, message, work.now)? else { return Ok(false) };
    // Its job may be a dead letter: this does what that one asked for.
    dead_letters::forget(work.db, EventId::from_uuid(message.id.uuid()))?;
    enqueue(work, &message)?;
    Ok(true)
}
