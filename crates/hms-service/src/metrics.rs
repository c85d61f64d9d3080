//! The metrics that every service shows: requests, its pool, its outbox.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use hms_bus::LagObserver;
use hms_model::job::queues_of;
use hms_telemetry::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Metrics, known_method};

use crate::health::Watch;
use crate::{Context, trace};

const NO_LABELS: [&str; 0] = [];

/// The present figures in the text form of Prometheus.
#[utoipa::path(tag = "operation", responses((status = 200, body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub(crate) async fn metrics(watch: web::Data<Watch>, gauges: web::Data<Gauges>) -> HttpResponse {
    gauges.renew(&watch).await;
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4")))
        .body(watch.context.metrics.render())
}

/// What is looked up when somebody asks.
pub(crate) struct Gauges {
    connections: IntGauge,
    in_use: IntGauge,
    waiting: IntGauge,
    outbox_events: IntGauge,
    outbox_age: IntGauge,
    published: IntCounter,
    consumed: IntCounter,
    retried: IntCounter,
    dead: IntCounter,
    letters: IntGauge,
    jobs: Option<JobMetrics>,
}

/// The figures of jobs, by queue; of services that have queues.
struct JobMetrics {
    queues: Vec<&'static str>,
    waiting: IntGaugeVec,
    oldest: IntGaugeVec,
    done: IntCounterVec,
    retried: IntCounterVec,
    dead: IntCounterVec,
}

impl Gauges {
    pub fn new(context: &Context) -> anyhow::Result<Self> {
        let gauge = |name: &str, help: &str| context.metrics.gauge(name, help);
        let counter = |name: &str, help: &str| context.metrics.counter(name, help);
        context.metrics.spans_of(&context.tracer)?;
        Ok(Self {
            connections: gauge("hms_database_connections_max", "Connections that the pool may have.")?,
            in_use: gauge("hms_database_connections_in_use", "Connections at work.")?,
            waiting: gauge("hms_database_requests_waiting", "Units of work that wait for a connection.")?,
            outbox_events: gauge("hms_outbox_events", "Events that are committed and not yet published.")?,
            outbox_age: gauge("hms_outbox_oldest_age_seconds", "Age of the oldest of them.")?,
            published: counter("hms_bus_events_published_total", "Events handed over to the bus.")?,
            consumed: counter("hms_bus_deliveries_total", "Deliveries whose effect is committed.")?,
            retried: counter("hms_bus_deliveries_retried_total", "Deliveries that failed and were put off.")?,
            dead: counter("hms_bus_dead_letters_total", "Events put to the dead letters.")?,
            letters: gauge("hms_dead_letters", "Dead letters that wait for someone to look.")?,
            jobs: JobMetrics::new(context)?,
        })
    }

    async fn renew(&self, watch: &Watch) {
        let pool = watch.context.database.status();
        let count = i64::from;
        self.connections.set(count(pool.max));
        self.in_use.set(count(pool.in_use));
        self.waiting.set(count(pool.waiting));
        let bus = watch.bus.numbers();
        raise(&self.published, bus.published);
        raise(&self.consumed, bus.consumed);
        raise(&self.retried, bus.retried);
        raise(&self.dead, bus.dead);
        // Who asks waits for no longer than this where no connection is free: then above all the figures must come.
        let deadline = Duration::from_millis(300);
        let has_jobs = self.jobs.is_some();
        let counts = watch.context.database.read(move |db| {
            let jobs = if has_jobs { hms_bus::jobs::oldest(db)? } else { BTreeMap::new() };
            Ok::<_, hms_db::Error>((hms_bus::outbox::depth(db)?, hms_bus::dead_letters::count(db)?, jobs))
        });
        let counts = tokio::time::timeout(deadline, counts).await.ok().and_then(Result::ok);
        if let Some(jobs) = &self.jobs {
            jobs.renew(watch, counts.as_ref().map(|(_, _, oldest)| oldest));
        }
        if let Some(((events, oldest), letters, _)) = counts {
            self.letters.set(letters);
            self.outbox_events.set(events);
            let age = oldest.map(|at| (watch.context.clock.now() - at).num_seconds().max(0));
            self.outbox_age.set(age.unwrap_or(0));
        }
    }
}

impl JobMetrics {
    fn new(context: &Context) -> anyhow::Result<Option<Self>> {
        let queues = queues_of(context.service);
        if queues.is_empty() {
            return Ok(None);
        }
        let counters = |name: &str, help: &str| context.metrics.counters(name, help, &["queue"]);
        let gauges = |name: &str, help: &str| context.metrics.gauges(name, help, &["queue"]);
        let help = "Jobs that wait in a queue; not there while the broker, or the database, is away.";
        let waiting = gauges("hms_jobs_waiting", help)?;
        let help = "For how long the oldest job of a queue has waited, as far as that is known, on its way to the broker above all.";
        Ok(Some(Self {
            queues,
            waiting,
            oldest: gauges("hms_jobs_oldest_age_seconds", help)?,
            done: counters("hms_jobs_done_total", "Jobs that were done.")?,
            retried: counters("hms_jobs_retried_total", "Runs of jobs that failed and were put off.")?,
            dead: counters("hms_jobs_dead_total", "Jobs put to the dead letters.")?,
        }))
    }

    /// `in_table` is when the oldest job was written that has not reached the broker, if the database could be asked. What
    /// is not known is not shown, and not what it was before.
    fn renew(&self, watch: &Watch, in_table: Option<&BTreeMap<String, DateTime<Utc>>>) {
        let (numbers, now) = (watch.bus.jobs(), watch.context.clock.now());
        for queue in &self.queues {
            let label = [*queue];
            show(&self.waiting, &label, watch.context.jobs_waiting(queue));
            let age = in_table.map(|oldest| {
                let oldest =
                    oldest.get(*queue).copied().into_iter().chain(watch.context.jobs_wait_since(queue));
                oldest.min().map_or(0, |oldest| (now - oldest).num_seconds().max(0))
            });
            show(&self.oldest, &label, age);
            let numbers = numbers.get(queue).copied().unwrap_or_default();
            raise(&self.done.with_label_values(&label), numbers.done);
            raise(&self.retried.with_label_values(&label), numbers.retried);
            raise(&self.dead.with_label_values(&label), numbers.dead);
        }
    }
}

/// How late events have their effect here.
pub(crate) fn lag(all: &Metrics) -> anyhow::Result<LagObserver> {
    let help = "From the change that an event tells of to the commit of its effect.";
    let lag = all.durations("hms_bus_delivery_lag_seconds", help, &[])?;
    let lag = lag.with_label_values(&NO_LABELS);
    Ok(LagObserver::new(move |seconds| lag.observe(seconds)))
}

/// Shows a value, or none.
fn show(gauges: &IntGaugeVec, label: &[&str], value: Option<i64>) {
    match value {
        Some(value) => gauges.with_label_values(label).set(value),
        // It may not be shown as it is.
        None => _ = gauges.remove_label_values(label),
    }
}

/// Raises a counter to what has been counted elsewhere.
fn raise(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

/// Tells the gateway the route template, for its own labels; it does not go further out.
const ROUTE: HeaderName = HeaderName::from_static("x-hms-route");

/// Middleware: notes each request by its route template.
pub(crate) async fn observe<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let started = Instant::now();
    let context = request.app_data::<Context>().cloned();
    let span = context.as_ref().map(|context| trace::begin(context, &request)).unwrap_or_default();
    let mut response = span.run(next.call(request)).await?;
    if let Some(context) = context {
        let route = response.request().match_pattern().unwrap_or_else(|| "unknown".to_owned());
        if let Ok(value) = HeaderValue::from_str(&route) {
            response.headers_mut().insert(ROUTE, value);
        }
        let method = known_method(response.request().method().as_str());
        let status = response.status();
        if response.request().app_data::<web::Data<Watch>>().is_some_and(|watch| watch.leaving.load(Relaxed))
        {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        context.metrics.observe_http(method, &route, status.as_u16(), started.elapsed().as_secs_f64());
        trace::end(&span, method, &route, status);
        if status.is_server_error() {
            let request_id = hms_problem::request_id::current();
            let _entered = span.enter();
            tracing::warn!(service = context.service, method, %route, status = status.as_u16(), request_id, "failed");
        }
    }
    Ok(response)
}
