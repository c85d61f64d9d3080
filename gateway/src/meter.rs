//! What a worker counts of its requests. Looking a series up by its labels costs more than counting in it, so each
//! worker keeps those that it has met.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use foldhash::HashMap;
use hms_telemetry::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Metrics};
use parking_lot::Mutex;

/// The route of a request that met none.
pub const NO_ROUTE: &str = "none";
/// The route of requests beyond [`MOST_ROUTES`].
const OTHER_ROUTES: &str = "other";
/// The upstream of what the gateway answers itself.
const NO_UPSTREAM: &str = "none";
/// Route templates come from services: a faulty one must not fill the memory of Prometheus.
const MOST_ROUTES: usize = 1_000;

/// The metrics of requests; shared by the workers.
pub struct Families {
    metrics: Metrics,
    upstream: HistogramVec,
    active: IntGauge,
    received: IntCounterVec,
    sent: IntCounterVec,
    routes: Mutex<HashSet<Box<str>>>,
}

/// The metrics of requests as one worker counts them.
pub struct Meter {
    families: Arc<Families>,
    routes: RefCell<HashMap<Box<str>, Route>>,
    upstreams: RefCell<HashMap<Box<str>, Histogram>>,
}

/// What one route counts.
struct Route {
    label: Box<str>,
    received: IntCounter,
    sent: IntCounter,
    durations: Vec<(&'static str, u16, Histogram)>,
}

/// A request that has been answered.
pub struct Answered<'a> {
    /// Its method, a closed set: see [`hms_telemetry::known_method`].
    pub method: &'static str,
    /// The template of its route, where it met one.
    pub route: Option<&'a str>,
    /// The name of the service, where one was asked.
    pub upstream: Option<&'a str>,
    /// How long the head of the service's answer took.
    pub waited: Option<Duration>,
    /// The status of the answer.
    pub status: u16,
    /// From the first byte of the request to the last of the answer.
    pub elapsed: Duration,
    /// Bytes of its body.
    pub received: u64,
    /// Bytes of the body of the answer.
    pub sent: u64,
}

impl Families {
    /// Adds the metrics.
    pub fn new(metrics: Metrics) -> anyhow::Result<Self> {
        let upstream = metrics.durations(
            "gateway_upstream_duration_seconds",
            "From the handing on of a request to the head of the service's answer.",
            &["upstream"],
        )?;
        let active = metrics
            .gauge("http_server_active_requests", "Requests whose answers are not yet sent to the end.")?;
        let labels = ["route", "upstream"];
        let received =
            metrics.counters("gateway_request_bytes_total", "Bytes of the bodies of requests.", &labels)?;
        let sent = metrics.counters(
            "gateway_response_bytes_total",
            "Bytes of the bodies of answers, before compression.",
            &labels,
        )?;
        Ok(Self { metrics, upstream, active, received, sent, routes: Mutex::default() })
    }

    /// The label of a route: its template while there are not too many.
    fn label(&self, route: &str) -> Box<str> {
        let mut routes = self.routes.lock();
        if !routes.contains(route) {
            if routes.len() >= MOST_ROUTES {
                return OTHER_ROUTES.into();
            }
            routes.insert(route.into());
        }
        route.into()
    }
}

impl Families {
    fn route(&self, label: Box<str>, upstream: &str) -> Route {
        let labels = [&*label, upstream];
        let received = self.received.with_label_values(&labels);
        let sent = self.sent.with_label_values(&labels);
        Route { received, sent, durations: Vec::new(), label }
    }
}

impl Meter {
    /// Nothing counted yet.
    pub fn new(families: Arc<Families>) -> Self {
        Self { families, routes: RefCell::default(), upstreams: RefCell::default() }
    }

    /// Notes that a request has come.
    pub fn begin(&self) {
        self.families.active.inc();
    }

    /// Notes an answered request.
    pub fn end(&self, answered: &Answered<'_>) {
        self.families.active.dec();
        if let (Some(upstream), Some(waited)) = (answered.upstream, answered.waited) {
            self.count_wait(upstream, waited);
        }
        let template = answered.route.unwrap_or(NO_ROUTE);
        let mut routes = self.routes.borrow_mut();
        if let Some(route) = routes.get_mut(template) {
            return route.count(&self.families.metrics, answered);
        }
        let label = self.families.label(template);
        let key = if *label == *template { template } else { OTHER_ROUTES };
        let upstream = answered.upstream.unwrap_or(NO_UPSTREAM);
        let route = routes.entry(key.into()).or_insert_with(|| self.families.route(label, upstream));
        route.count(&self.families.metrics, answered);
    }

    fn count_wait(&self, upstream: &str, waited: Duration) {
        let mut known = self.upstreams.borrow_mut();
        if let Some(waits) = known.get(upstream) {
            return waits.observe(waited.as_secs_f64());
        }
        let waits = self.families.upstream.with_label_values(&[upstream]);
        waits.observe(waited.as_secs_f64());
        known.insert(upstream.into(), waits);
    }
}

impl Route {
    fn count(&mut self, metrics: &Metrics, answered: &Answered<'_>) {
        self.received.inc_by(answered.received);
        self.sent.inc_by(answered.sent);
        let (method, status) = (answered.method, known_status(answered.status));
        let known = self.durations.iter().find(|(of, code, _)| *of == method && *code == status);
        let seconds = answered.elapsed.as_secs_f64();
        if let Some((_, _, durations)) = known {
            return durations.observe(seconds);
        }
        let durations = metrics.http_series(method, &self.label, status);
        durations.observe(seconds);
        self.durations.push((method, status, durations));
    }
}

/// 499 is nginx's word for a client that went away first.
fn known_status(status: u16) -> u16 {
    let known = StatusCode::from_u16(status).is_ok_and(|status| status.canonical_reason().is_some());
    if known || status == 499 { status } else { status / 100 * 100 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(route: &str, status: u16) -> Answered<'_> {
        Answered {
            method: "GET",
            route: Some(route),
            upstream: Some("user"),
            waited: Some(Duration::from_millis(1)),
            status,
            elapsed: Duration::from_millis(2),
            received: 3,
            sent: 5,
        }
    }

    #[test]
    fn workers_count_in_the_same_series() {
        let metrics = Metrics::new();
        let families = Arc::new(Families::new(metrics.clone()).unwrap());
        let workers = [Meter::new(Arc::clone(&families)), Meter::new(families)];
        for worker in &workers {
            for _ in 0..2 {
                worker.begin();
                worker.end(&answered("/api/v1/patients/{id}", 200));
            }
        }
        workers[0].begin();
        let text = metrics.render();
        for line in [
            r#"http_server_request_duration_seconds_count{method="GET",route="/api/v1/patients/{id}",status="200"} 4"#,
            r#"gateway_upstream_duration_seconds_count{upstream="user"} 4"#,
            r#"gateway_request_bytes_total{route="/api/v1/patients/{id}",upstream="user"} 12"#,
            r#"gateway_response_bytes_total{route="/api/v1/patients/{id}",upstream="user"} 20"#,
            "http_server_active_requests 1",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let metrics = Metrics::new();
        let meter = Meter::new(Arc::new(Families::new(metrics.clone()).unwrap()));
        for number in 0..MOST_ROUTES + 50 {
            meter.end(&answered(&format!("/made/up/{number}"), 200));
        }
        for status in 600..700 {
            meter.end(&answered("/made/up/1", status));
        }
        let text = metrics.render();
        let routes = text.lines().filter(|line| line.starts_with("gateway_response_bytes_total")).count();
        assert_eq!(routes, MOST_ROUTES + 1);
        assert_eq!(
            text.lines()
                .filter(|line| line.contains(r#"seconds_count"#) && line.contains("/made/up/1\""))
                .count(),
            2
        );
        assert!(text.contains(r#"route="other",upstream="user"} 250"#), "{text}");
        assert_eq!(meter.routes.borrow().len(), MOST_ROUTES + 1);
    }
}
