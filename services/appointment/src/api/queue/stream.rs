//! `GET /queue/stream`.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderMap};
use actix_web::web::{self, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{Stream, unfold};
use hms_api::Problems;
use hms_model::id::DepartmentId;
use hms_model::role::{Reach, scope};
use hms_problem::{Code, Problem};
use hms_service::{Call, Stop};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use utoipa::IntoParams;

use super::here;
use crate::State;
use crate::feed::Feed;

/// How long a client waits before it comes again, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";
/// What was missed is not kept any more: the client reads `/queue/current` anew.
const RESET: &str = "event: reset\ndata: {}\n\n";
/// Nothing has happened.
const ALIVE: &str = ": alive\n\n";

/// What to listen to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The queue of this department only.
    department_id: Option<DepartmentId>,
    /// Goes on after this change (`position` of `/queue/current`); `Last-Event-ID` goes before it.
    after: Option<i64>,
}

/// The changes of the queue as they come, as server-sent events (`text/event-stream`), for a screen in a waiting room.
///
/// An event `ticket` has the number of the ticket, its status and its desk, and no names. `id` is its number:
/// who comes again with it as `Last-Event-ID` misses nothing. `reset` says that too much was missed: read
/// `/queue/current` anew. The stream ends with the token's time; come again with a new one.
#[utoipa::path(tag = "queue", operation_id = "stream_queue",
    params(Asked, ("Last-Event-ID" = Option<i64>, Header, description = "The last event that was seen")),
    responses((status = 200, body = String, content_type = "text/event-stream", description = "The events"), Problems),
    security(("bearer" = ["queue:read"])))]
#[get("/queue/stream")]
pub async fn stream(
    call: Call<scope::QueueRead>,
    state: web::Data<State>,
    request: HttpRequest,
    query: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let asked = query.map_err(|error| Problem::new(Code::InvalidRequest).message(error.to_string()))?;
    let department = within(call.reach()?, asked.department_id)?;
    let left = call.claims()?.exp - call.context().clock.now().timestamp();
    let listener = state.feed.listen();
    let last = match last_event(request.headers())?.or(asked.after) {
        Some(seen) => seen,
        None => state.feed.position().await?,
    };
    let stream = Listening {
        feed: Arc::clone(&state.feed),
        closing: state.feed.closing(),
        listener,
        last,
        department,
        heartbeat: state.config.heartbeat,
        ends: Instant::now() + Duration::from_secs(u64::try_from(left).unwrap_or_default()),
        greeted: false,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(stream.events()))
}

/// Access that is bound to a department hears of that one only.
fn within(reach: Reach, asked: Option<DepartmentId>) -> Result<Option<DepartmentId>, Problem> {
    match (reach, asked) {
        (_, Some(department)) => {
            here(reach, department)?;
            Ok(Some(department))
        }
        (Reach::Department { department_id }, None) => Ok(Some(department_id)),
        _ => Ok(None),
    }
}

fn last_event(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get("Last-Event-ID") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    let unreadable =
        || Problem::new(Code::InvalidRequest).message("Last-Event-ID: must be the id of an event");
    number.map(Some).ok_or_else(unreadable)
}

/// One who listens.
struct Listening {
    feed: Arc<Feed>,
    closing: Stop,
    listener: watch::Receiver<i64>,
    last: i64,
    department: Option<DepartmentId>,
    heartbeat: Duration,
    ends: Instant,
    greeted: bool,
}

impl Listening {
    fn events(self) -> impl Stream<Item = Result<Bytes, Problem>> {
        unfold(self, |mut own| async move { Some((own.next().await?, own)) })
    }

    /// The next piece of the stream; none at its end.
    async fn next(&mut self) -> Option<Result<Bytes, Problem>> {
        if !self.greeted {
            self.greeted = true;
            return Some(Ok(Bytes::from_static(RETRY.as_bytes())));
        }
        loop {
            match self.news().await {
                Ok(Some(news)) => return Some(Ok(news)),
                Ok(None) => {}
                Err(problem) => return Some(Err(problem)),
            }
            tokio::select! {
                changed = self.listener.changed() => changed.ok()?,
                () = sleep(self.heartbeat) => return Some(Ok(Bytes::from_static(ALIVE.as_bytes()))),
                () = sleep_until(self.ends) => return None,
                () = self.closing.told() => return None,
            }
        }
    }

    /// What came after the last event and is of the department, if anything.
    async fn news(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let newest = *self.listener.borrow_and_update();
            if self.last == newest {
                return Ok(None);
            }
            let Some(told) = self.feed.after(self.last).await? else {
                self.last = self.feed.position().await?;
                let reset = format!("id: {}\n{RESET}", self.last);
                return Ok(Some(reset.into()));
            };
            let Some(last) = told.last().map(|told| told.position) else { return Ok(None) };
            self.last = last;
            let mut text = BytesMut::new();
            for told in
                told.iter().filter(|told| self.department.is_none_or(|only| only == told.department_id))
            {
                text.extend_from_slice(&told.text);
            }
            if !text.is_empty() {
                return Ok(Some(text.freeze()));
            }
        }
    }
}
