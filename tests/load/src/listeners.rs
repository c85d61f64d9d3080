//! How long a change of the queue takes until the last of many who listen has heard of it.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::api::Api;
use crate::connection::Connection;
use crate::hospital::{id, once_known};
use crate::tally::percentile;

/// How many come in at the same time.
const DOORS: usize = 50;

/// Who listens to what.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the gateway is.
    pub gateway: SocketAddr,
    /// The department whose queue it is.
    pub department: String,
    /// How many listen.
    pub listeners: usize,
    /// How many changes they hear of, one after the other.
    pub changes: usize,
    /// How long one may take.
    pub patience: Duration,
}

/// From the request for a change until the last one has heard of it.
#[derive(Debug)]
pub struct Report {
    listeners: usize,
    changes: usize,
    p50: Duration,
    p99: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listeners, changes, p50, p99 } = self;
        let millis = |time: &Duration| time.as_secs_f64() * 1_000.0;
        write!(f, "listeners={listeners} changes={changes} last_p50_ms={:.1} ", millis(p50))?;
        write!(f, "last_p99_ms={:.1}", millis(p99))
    }
}

/// A department for a queue of its own; made once, however often it is asked for.
pub async fn department(api: &mut Api) -> anyhow::Result<String> {
    let body = json!({"name": "Waiting room of the bench"});
    let (status, answer) = api.post("/api/v1/departments", "load-waiting-room", &body).await?;
    ensure!(status == StatusCode::CREATED, "a department was answered with {status}: {answer}");
    id(&answer)
}

/// Has all of them listen, and then changes a ticket so often.
pub async fn measure(api: &mut Api, plan: &Plan) -> anyhow::Result<Report> {
    // Somebody comes in, whose ticket can be changed.
    let (key, walk_in) = (format!("{:032x}", fastrand::u128(..)), json!({"department_id": plan.department}));
    let ticket = once_known(api, "/api/v1/queue/check-in", &key, &walk_in).await?;
    let (tell, mut told) = mpsc::unbounded_channel();
    let _listening = listen(api, plan, &tell).await?;
    let mut times = Vec::with_capacity(plan.changes);
    for number in 0..plan.changes {
        let status = if number.is_multiple_of(2) { "skipped" } else { "waiting" };
        let path = format!("/api/v1/queue/{ticket}/status");
        let (status, begun) = (json!({"status": status}), Instant::now());
        let change = api.patch(&path, &status);
        let (changed, last) = tokio::join!(change, timeout(plan.patience, all(&mut told, plan.listeners)));
        let (status, answer) = changed?;
        ensure!(status == StatusCode::OK, "a change was answered with {status}: {answer}");
        let last = last.with_context(|| format!("somebody did not hear of change {}", number + 1))??;
        times.push(u32::try_from((last - begun).as_micros())?);
    }
    times.sort_unstable();
    let rank = |part| percentile(&times, part).context("nothing was changed");
    Ok(Report { listeners: plan.listeners, changes: plan.changes, p50: rank(50)?, p99: rank(99)? })
}

/// Who has heard of a change, and when.
type Heard = anyhow::Result<(usize, Instant)>;

/// When this is over, all of them listen.
async fn listen(api: &Api, plan: &Plan, tell: &UnboundedSender<Heard>) -> anyhow::Result<JoinSet<()>> {
    let mut listening = JoinSet::new();
    let numbers: Vec<_> = (0..plan.listeners).collect();
    for some in numbers.chunks(DOORS) {
        let streams = some.iter().map(|_| open(api, plan));
        for (number, stream) in some.iter().zip(try_join_all(streams).await?) {
            listening.spawn(hear(*number, stream, tell.clone()));
        }
    }
    Ok(listening)
}

async fn open(api: &Api, plan: &Plan) -> anyhow::Result<(Connection, Incoming)> {
    let path = format!("/api/v1/queue/stream?department_id={}", plan.department);
    let mut connection = Connection::open(plan.gateway).await?;
    let request = Request::builder().uri(path).header(AUTHORIZATION, api.token());
    let answer = connection.open_stream(request.body(Full::<Bytes>::default())?).await?;
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_stream = answer.status() == StatusCode::OK && kind.starts_with("text/event-stream");
    ensure!(is_stream, "a listener was answered with {} and {kind:?}", answer.status());
    Ok((connection, answer.into_body()))
}

/// Tells of every change that comes, and of the end of the stream, which is no part of the plan.
async fn hear(number: usize, stream: (Connection, Incoming), tell: UnboundedSender<Heard>) {
    let (_connection, mut body) = stream;
    let mut text = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            text.extend_from_slice(data);
        }
        while let Some(event) = next_event(&mut text) {
            if event.starts_with(b"id: ") && tell.send(Ok((number, Instant::now()))).is_err() {
                return;
            }
        }
    }
    drop(tell.send(Err(anyhow::anyhow!("the stream of a listener has ended"))));
}

/// The first whole event of what has come; it is taken away.
fn next_event(text: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = text.windows(2).position(|two| two == b"\n\n")? + 2;
    Some(text.drain(..end).collect())
}

/// Waits until each of them has heard of one change; when the last one did.
async fn all(told: &mut UnboundedReceiver<Heard>, listeners: usize) -> anyhow::Result<Instant> {
    let (mut heard, mut last) = (HashSet::with_capacity(listeners), Instant::now());
    while heard.len() < listeners {
        let (number, at) = told.recv().await.context("nobody listens")??;
        ensure!(heard.insert(number), "a listener heard of one change twice");
        last = last.max(at);
    }
    Ok(last)
}
