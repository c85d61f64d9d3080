//! Health: a short word for load balancers, and a longer one with the state of each service for people.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::web::Data;
use futures_util::future::join_all;
use serde::Serialize;

use crate::Upstream;
use crate::server::Gateway;

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Healthy,
    Unhealthy,
}

#[derive(Serialize)]
struct Short {
    status: State,
}

/// The health of the gateway and of all services behind it.
#[derive(Serialize)]
struct Detailed {
    status: State,
    service: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Dependency {
    name: String,
    status: State,
    latency_ms: f64,
    detail: Option<String>,
}

/// Says that the gateway answers.
pub async fn short() -> HttpResponse {
    HttpResponse::Ok().json(Short { status: State::Healthy })
}

/// Says whether new requests should come here: not once the gateway is about to stop.
pub async fn ready(gateway: Data<Gateway>) -> HttpResponse {
    if gateway.shared.leaving.load(Ordering::Relaxed) {
        return HttpResponse::ServiceUnavailable().json(Short { status: State::Unhealthy });
    }
    HttpResponse::Ok().json(Short { status: State::Healthy })
}

/// Asks every service at once; 503 where one of them does not answer well.
pub async fn detailed(gateway: Data<Gateway>) -> HttpResponse {
    let table = gateway.shared.routes.load_full();
    let dependencies = join_all(table.upstreams().map(|upstream| ask(&gateway, upstream))).await;
    let healthy = dependencies.iter().all(|dependency| dependency.status == State::Healthy);
    let (status, mut response) = match healthy {
        true => (State::Healthy, HttpResponse::Ok()),
        false => (State::Unhealthy, HttpResponse::ServiceUnavailable()),
    };
    response.json(Detailed {
        status,
        service: "gateway",
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: gateway.shared.since.elapsed().as_secs(),
        dependencies,
    })
}

async fn ask(gateway: &Gateway, upstream: &Upstream) -> Dependency {
    let asked = Instant::now();
    let answer = gateway.pool.get(upstream, "/health", gateway.shared.limits.probe).await;
    let problem = match answer {
        Ok((status, _)) if status.is_success() => None,
        Ok((status, _)) => Some(format!("answered {status}")),
        Err(failure) => Some(failure.to_string()),
    };
    let status = if problem.is_none() { State::Healthy } else { State::Unhealthy };
    Dependency {
        name: upstream.name().to_owned(),
        status,
        latency_ms: millis(asked.elapsed()),
        detail: problem,
    }
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
