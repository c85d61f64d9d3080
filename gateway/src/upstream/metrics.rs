//! What the gateway has seen of the services, for Prometheus. Nothing is counted twice for it: the figures are
//! read where they are kept, when somebody looks.

use std::sync::Arc;

use hms_telemetry::{MetricResult, Metrics, Observed};

use super::{BreakerState, Upstream, clock};
use crate::table::Routes;

/// Samples with the values of their labels.
type Samples = Vec<(Vec<String>, f64)>;

/// A family with one sample for each service.
struct PerService {
    kind: Observed,
    name: &'static str,
    help: &'static str,
    value: fn(&Upstream) -> f64,
}

const PER_SERVICE: [PerService; 7] = [
    PerService {
        kind: Observed::Gauge,
        name: "gateway_upstream_breaker_state",
        help: "The circuit breaker of a service: 0 closed, 1 half open, 2 open.",
        value: |upstream| match upstream.breaker() {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
        },
    },
    PerService {
        kind: Observed::Counter,
        name: "gateway_upstream_breaker_opened_total",
        help: "How often the circuit breaker of a service has opened.",
        value: |upstream| upstream.breaker_opened().into(),
    },
    PerService {
        kind: Observed::Gauge,
        name: "gateway_upstream_requests",
        help: "Requests under way to a service.",
        value: |upstream| upstream.requests().into(),
    },
    PerService {
        kind: Observed::Gauge,
        name: "gateway_upstream_streams",
        help: "Event streams and WebSockets open to a service.",
        value: |upstream| upstream.streams().into(),
    },
    PerService {
        kind: Observed::Counter,
        name: "gateway_upstream_retries_total",
        help: "Requests that were sent again.",
        value: |upstream| upstream.retries().0.into(),
    },
    PerService {
        kind: Observed::Counter,
        name: "gateway_upstream_retries_refused_total",
        help: "Requests that were not sent again, because the budget for it was spent.",
        value: |upstream| upstream.retries().1.into(),
    },
    PerService {
        kind: Observed::Counter,
        name: "gateway_upstream_ejections_total",
        help: "How often an endpoint of a service was left out because it failed.",
        value: |upstream| upstream.ejections().into(),
    },
];

/// Adds the families.
pub fn register(metrics: &Metrics, routes: &Arc<Routes>) -> MetricResult<()> {
    for PerService { kind, name, help, value } in PER_SERVICE {
        let routes = Arc::clone(routes);
        metrics.observed(kind, name, help, &["upstream"], move || {
            let table = routes.load();
            table.upstreams().map(|upstream| (vec![upstream.name().to_owned()], value(upstream))).collect()
        })?;
    }
    let help = "Requests without an answer of the service, by kind.";
    let each = Arc::clone(routes);
    let name = "gateway_upstream_failures_total";
    metrics.observed(Observed::Counter, name, help, &["upstream", "kind"], move || {
        each.load().upstreams().flat_map(|upstream| failures(upstream)).collect()
    })?;
    let help = "Whether an endpoint gets requests: 1, or 0 while it is down or ejected.";
    let each = Arc::clone(routes);
    metrics.observed(
        Observed::Gauge,
        "gateway_endpoint_usable",
        help,
        &["upstream", "endpoint"],
        move || each.load().upstreams().flat_map(|upstream| usable(upstream)).collect(),
    )?;
    let help = "How often the table of routes was read again, by what came of it.";
    let routes = Arc::clone(routes);
    metrics.observed(Observed::Counter, "gateway_routes_reloads_total", help, &["outcome"], move || {
        let (taken, refused) = routes.counts();
        // A sample is a float, and exact for as many as anybody will read.
        let sample = |outcome: &str, count: u64| {
            (vec![outcome.to_owned()], f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
        };
        vec![sample("taken", taken), sample("refused", refused)]
    })
}

fn failures(upstream: &Upstream) -> Samples {
    let label = |kind: &str| vec![upstream.name().to_owned(), kind.to_owned()];
    upstream.failures().map(|(kind, count)| (label(kind.as_str()), count.into())).collect()
}

fn usable(upstream: &Upstream) -> Samples {
    let now = clock::now();
    let endpoints = upstream.endpoints().iter();
    let samples = endpoints.map(|endpoint| {
        let labels = vec![upstream.name().to_owned(), endpoint.address.to_string()];
        (labels, if endpoint.seen.is_usable(now) { 1.0 } else { 0.0 })
    });
    samples.collect()
}
