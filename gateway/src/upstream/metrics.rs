//! What the gateway has seen of the services, for Prometheus. Nothing is counted twice for it: the figures are
//! read where they are kept, when somebody looks.

use std::sync::Arc;

use hms_telemetry::{Metrics, Observed};

use super::{BreakerState, Upstream, clock};
use crate::table::Routes;

type Samples = Vec<(Vec<String>, f64)>;

/// Adds the families.
pub fn register(metrics: &Metrics, routes: &Arc<Routes>) -> hms_telemetry::MetricResult<()> {
    let per_upstream = |kind, name: &str, help: &str, labels: &[&str], of: fn(&Upstream) -> Samples| {
        let routes = Arc::clone(routes);
        metrics.observed(kind, name, help, labels, move || {
            routes.load().upstreams().flat_map(|up| of(up)).collect()
        })
    };
    let (gauge, counter, upstream) = (Observed::Gauge, Observed::Counter, &["upstream"]);
    per_upstream(
        gauge,
        "gateway_upstream_breaker_state",
        "The circuit breaker of a service: 0 closed, 1 half open, 2 open.",
        upstream,
        |up| {
            let state = match up.breaker() {
                BreakerState::Closed => 0.0,
                BreakerState::HalfOpen => 1.0,
                BreakerState::Open => 2.0,
            };
            one(up, state)
        },
    )?;
    per_upstream(
        counter,
        "gateway_upstream_breaker_opened_total",
        "How often the circuit breaker of a service has opened.",
        upstream,
        |up| one(up, up.breaker_opened().into()),
    )?;
    per_upstream(gauge, "gateway_upstream_requests", "Requests under way to a service.", upstream, |up| {
        one(up, up.requests().into())
    })?;
    per_upstream(
        gauge,
        "gateway_upstream_streams",
        "Event streams and WebSockets open to a service.",
        upstream,
        |up| one(up, up.streams().into()),
    )?;
    per_upstream(
        counter,
        "gateway_upstream_retries_total",
        "Requests that were sent again.",
        upstream,
        |up| one(up, up.retries().0.into()),
    )?;
    per_upstream(
        counter,
        "gateway_upstream_retries_refused_total",
        "Requests that were not sent again, because the budget for it was spent.",
        upstream,
        |up| one(up, up.retries().1.into()),
    )?;
    per_upstream(
        counter,
        "gateway_upstream_ejections_total",
        "How often an endpoint of a service was left out because it failed.",
        upstream,
        |up| one(up, up.ejections().into()),
    )?;
    per_upstream(
        counter,
        "gateway_upstream_failures_total",
        "Requests without an answer of the service, by kind.",
        &["upstream", "kind"],
        |up| {
            let label = |kind: &str| vec![up.name().to_owned(), kind.to_owned()];
            up.failures().map(|(kind, count)| (label(kind.as_str()), count.into())).collect()
        },
    )?;
    per_upstream(
        gauge,
        "gateway_endpoint_usable",
        "Whether an endpoint gets requests: 1, or 0 while it is down or ejected.",
        &["upstream", "endpoint"],
        usable,
    )?;
    of_table(metrics, routes)
}

fn of_table(metrics: &Metrics, routes: &Arc<Routes>) -> hms_telemetry::MetricResult<()> {
    let routes = Arc::clone(routes);
    let help = "How often the table of routes was read again, by what came of it.";
    metrics.observed(Observed::Counter, "gateway_routes_reloads_total", help, &["outcome"], move || {
        let (taken, refused) = routes.counts();
        // A counter in a scrape is a float; it is exact up to 2^53.
        let sample = |outcome: &str, count: u64| {
            (vec![outcome.to_owned()], f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
        };
        vec![sample("taken", taken), sample("refused", refused)]
    })
}

fn one(upstream: &Upstream, value: f64) -> Samples {
    vec![(vec![upstream.name().to_owned()], value)]
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
