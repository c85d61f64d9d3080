//! The way of spans to the collector: a bounded queue and a task that empties it. Whoever ends a span never waits; what
//! does not fit, or cannot be sent for too long, is dropped and counted. One queue a service rather than the batch
//! processor of the SDK, which has a thread each and does not tell what it drops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use prost::Message as _;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::settings::Collector;

/// Spans that wait at the most.
pub(crate) const ROOM: usize = 4_096;
/// Spans of one request at the most.
const BATCH: usize = 512;
/// How long a span waits for others.
const DELAY: Duration = Duration::from_millis(500);
/// The waits before a batch is sent again; then it is dropped.
const AGAIN: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// How long the end of a process waits for its last spans.
const LAST: Duration = Duration::from_secs(3);

/// What became of the spans so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// The collector has them.
    pub sent: u64,
    /// They had no room, or could not be sent.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    dropped: AtomicU64,
}

enum Item {
    Span(Box<SpanData>),
    /// Tells when all before it is sent or dropped.
    Flush(oneshot::Sender<()>),
}

/// The beginning of the queue; clones share it.
#[derive(Clone)]
pub(crate) struct Queue {
    items: mpsc::Sender<Item>,
    counts: Arc<Counts>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Queue {
    /// Starts the task that sends, inside a tokio runtime. It ends when the last handle to the queue is gone.
    pub fn start(collector: Collector, resource: &Resource, room: usize) -> reqwest::Result<Self> {
        let (items, waiting) = mpsc::channel(room);
        let counts = Arc::<Counts>::default();
        let sender = Sender {
            client: client(&collector)?,
            collector,
            resource: resource.into(),
            counts: Arc::clone(&counts),
            lost: false,
        };
        tokio::spawn(sender.run(waiting));
        Ok(Self { items, counts })
    }

    pub fn numbers(&self) -> Numbers {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Numbers { sent: count(&self.counts.sent), dropped: count(&self.counts.dropped) }
    }

    /// Waits until what has ended so far is sent, but not for long.
    pub async fn flush(&self) {
        let (done, told) = oneshot::channel();
        let flushed = async {
            if self.items.send(Item::Flush(done)).await.is_ok() {
                let _gone = told.await;
            }
        };
        let _in_time = timeout(LAST, flushed).await;
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.items.try_send(Item::Span(Box::new(span))).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The end of the process waits for [`Queue::flush`], which holds no thread.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

struct Sender {
    client: reqwest::Client,
    collector: Collector,
    resource: ResourceAttributesWithSchema,
    counts: Arc<Counts>,
    /// Whether the last batch did not arrive, which is logged once.
    lost: bool,
}

/// Without TLS the machine needs no certificates; no proxy stands before the collector of a deployment.
fn client(collector: &Collector) -> reqwest::Result<reqwest::Client> {
    // One provider a process; more than once does no harm.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .timeout(collector.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .default_headers(collector.headers.clone());
    match collector.url.scheme() {
        "http" => builder.tls_certs_only([]).no_proxy().build(),
        _ => builder.build(),
    }
}

impl Sender {
    async fn run(mut self, mut waiting: mpsc::Receiver<Item>) {
        let mut items = Vec::with_capacity(BATCH);
        while waiting.recv_many(&mut items, BATCH).await > 0 {
            let until = Instant::now() + DELAY;
            while items.len() < BATCH && !asks_to_flush(&items) {
                let room = BATCH.saturating_sub(items.len());
                match timeout_at(until, waiting.recv_many(&mut items, room)).await {
                    Ok(more) if more > 0 => {}
                    _ => break,
                }
            }
            let (mut spans, mut flushed) = (Vec::with_capacity(items.len()), Vec::new());
            for item in items.drain(..) {
                match item {
                    Item::Span(span) => spans.push(*span),
                    Item::Flush(done) => flushed.push(done),
                }
            }
            if !spans.is_empty() {
                self.send(spans).await;
            }
            for done in flushed {
                let _nobody_waits = done.send(());
            }
        }
    }

    async fn send(&mut self, spans: Vec<SpanData>) {
        let count = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let mut waits = AGAIN.iter();
        let outcome = loop {
            match (self.post(body.clone()).await, waits.next()) {
                (Err(Failure { worth_again: true, .. }), Some(wait)) => sleep(*wait).await,
                (outcome, _) => break outcome,
            }
        };
        match outcome {
            Ok(()) => {
                self.counts.sent.fetch_add(count, Ordering::Relaxed);
                if std::mem::take(&mut self.lost) {
                    tracing::info!("spans arrive at the collector again");
                }
            }
            Err(failure) => {
                self.counts.dropped.fetch_add(count, Ordering::Relaxed);
                if !std::mem::replace(&mut self.lost, true) {
                    tracing::warn!(
                        reason = failure.reason,
                        "spans do not arrive at the collector, and are dropped"
                    );
                }
            }
        }
    }

    async fn post(&self, body: Vec<u8>) -> Result<(), Failure> {
        let request = self.client.post(self.collector.url.clone()).body(body);
        let answer = request.header(CONTENT_TYPE, "application/x-protobuf").send().await;
        // An error of the client quotes the address, which may hold a key.
        let answer = answer.map_err(|error| Failure {
            reason: if error.is_timeout() { "no answer in time".into() } else { "nobody there".into() },
            worth_again: true,
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        // The standard names those that are worth another attempt.
        let worth_again = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        Err(Failure { reason: format!("it answered {status}"), worth_again })
    }
}

struct Failure {
    reason: String,
    worth_again: bool,
}

fn asks_to_flush(items: &[Item]) -> bool {
    items.iter().any(|item| matches!(item, Item::Flush(_)))
}
