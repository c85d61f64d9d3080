//! Metrics in the text form of Prometheus. Names and units by its conventions; labels are closed sets (a route
//! template, never a path), so that their number is bounded.

use hms_trace::Tracer;
use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::Observed;

/// The upper bounds of durations, in seconds.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of one service; in one process each service has its own. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    pub(crate) registry: Registry,
    http: HistogramVec,
}

impl Metrics {
    /// The metrics that every service has: HTTP requests, and the process on systems that tell.
    pub fn new() -> Self {
        let registry = Registry::new();
        let http = HistogramVec::new(
            HistogramOpts::new("http_server_request_duration_seconds", "How long requests took to answer.")
                .buckets(BUCKETS.to_vec()),
            &["method", "route", "status"],
        );
        #[expect(clippy::expect_used, reason = "name and labels are constants that Prometheus accepts")]
        let http = http.expect("a well-formed histogram");
        let metrics = Self { registry, http: http.clone() };
        metrics.register(http);
        #[cfg(target_os = "linux")]
        metrics.register(prometheus::process_collector::ProcessCollector::for_self());
        metrics
    }

    /// Notes one answered request. `route` is the template, such as `/api/v1/patients/{id}`.
    pub fn observe_http(&self, method: &str, route: &str, status: u16, seconds: f64) {
        self.http_series(method, route, status).observe(seconds);
    }

    /// The durations of one kind of request, to keep where looking it up each time is too much.
    pub fn http_series(&self, method: &str, route: &str, status: u16) -> Histogram {
        self.http.with_label_values(&[method, route, &status.to_string()])
    }

    /// Durations in seconds by labels, in the buckets of `http_server_request_duration_seconds`.
    pub fn durations(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<HistogramVec> {
        let durations = HistogramVec::new(HistogramOpts::new(name, help).buckets(BUCKETS.to_vec()), labels)?;
        self.registry.register(Box::new(durations.clone()))?;
        Ok(durations)
    }

    /// Counters by labels.
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.registry.register(Box::new(counters.clone()))?;
        Ok(counters)
    }

    /// Gauges by labels.
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
        self.registry.register(Box::new(gauges.clone()))?;
        Ok(gauges)
    }

    /// What becomes of the spans of a tracer.
    pub fn spans_of(&self, tracer: &Tracer) -> prometheus::Result<()> {
        let (sent, dropped) = (tracer.clone(), tracer.clone());
        let count = |count: u64| vec![(Vec::new(), float(count))];
        let name = "hms_trace_spans_sent_total";
        let help = "Spans that the collector of traces has taken.";
        self.observed(Observed::Counter, name, help, &[], move || count(sent.numbers().sent))?;
        let name = "hms_trace_spans_dropped_total";
        let help = "Spans that had no room in the queue or could not be sent.";
        self.observed(Observed::Counter, name, help, &[], move || count(dropped.numbers().dropped))
    }

    /// Adds a metric that somebody else has made.
    pub fn add(&self, collector: impl Collector + 'static) {
        self.register(collector);
    }

    /// A gauge of whole numbers.
    pub fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        let gauge = IntGauge::with_opts(Opts::new(name, help))?;
        self.registry.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    /// A counter.
    pub fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        let counter = IntCounter::with_opts(Opts::new(name, help))?;
        self.registry.register(Box::new(counter.clone()))?;
        Ok(counter)
    }

    /// All of them, in the text form that Prometheus scrapes (`text/plain; version=0.0.4`).
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_else(|error| {
            tracing::error!(%error, "the metrics cannot be written");
            String::new()
        })
    }

    fn register(&self, collector: impl Collector + 'static) {
        if let Err(error) = self.registry.register(Box::new(collector)) {
            tracing::error!(%error, "a metric is registered twice");
        }
    }
}

/// A count as Prometheus has it.
fn float(count: u64) -> f64 {
    let half = |half: u64| f64::from(u32::try_from(half & u64::from(u32::MAX)).unwrap_or_default());
    half(count >> 32) * 4_294_967_296.0 + half(count)
}

/// A client can make methods up; a label must stay a closed set.
pub fn known_method(method: &str) -> &'static str {
    match method {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_template() {
        let metrics = Metrics::new();
        metrics.observe_http("GET", "/api/v1/patients/{id}", 200, 0.002);
        metrics.gauge("hms_outbox_events", "Events that wait.").unwrap().set(3);
        let text = metrics.render();
        let sample = r#"http_server_request_duration_seconds_count{method="GET",route="/api/v1/patients/{id}",status="200"} 1"#;
        assert!(text.contains(sample), "{text}");
        assert!(text.contains("hms_outbox_events 3"), "{text}");
    }
}
