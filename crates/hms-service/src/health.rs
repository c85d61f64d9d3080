//! Health: a short word for load balancers, a long one for people.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, get, web};
use hms_bus::{BusState, RunningBus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Context;

const DEADLINE: Duration = Duration::from_secs(2);

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All is well.
    Healthy,
    /// Requests are answered, but something waits for repair.
    Degraded,
    /// Requests cannot be answered.
    Unhealthy,
}

/// One thing the service depends on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// How it is.
    pub status: State,
    /// How long it took to answer, in milliseconds.
    pub latency_ms: Option<f64>,
    /// What is known beside.
    pub detail: Option<String>,
}

/// How a service and its dependencies are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// The worst that requests feel.
    pub status: State,
    /// The service.
    pub service: String,
    /// Its version.
    pub version: String,
    /// For how many seconds it has been running.
    pub uptime_seconds: u64,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
}

/// The short word.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Alive {
    /// `healthy`.
    pub status: State,
}

pub(crate) struct Watch {
    pub context: Context,
    pub bus: Arc<RunningBus>,
    pub since: Instant,
    /// Set once the service is about to stop.
    pub leaving: Arc<AtomicBool>,
}

/// Says that the process answers.
#[utoipa::path(tag = "operation", responses((status = 200, body = Alive)))]
#[get("/health")]
pub(crate) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(Alive { status: State::Healthy })
}

/// Says whether new requests should come here: not before the tables are made, and not once the service is about to
/// stop. A database that is away later changes nothing of it: another replica would have the same one.
#[utoipa::path(tag = "operation", responses((status = 200, body = Alive), (status = 503, body = Alive)))]
#[get("/health/ready")]
pub(crate) async fn ready(watch: web::Data<Watch>) -> HttpResponse {
    match watch.leaving.load(Ordering::Relaxed) {
        true => HttpResponse::ServiceUnavailable().json(Alive { status: State::Unhealthy }),
        false => HttpResponse::Ok().json(Alive { status: State::Healthy }),
    }
}

/// Says how the service and each of its dependencies is; 503 when requests cannot be answered.
#[utoipa::path(tag = "operation", responses((status = 200, body = Health), (status = 503, body = Health)))]
#[get("/health/detailed")]
pub(crate) async fn detailed(watch: web::Data<Watch>) -> HttpResponse {
    let dependencies = vec![database(&watch).await, bus(&watch)];
    let status = dependencies.iter().map(|dependency| dependency.status).max().unwrap_or(State::Healthy);
    let health = Health {
        status,
        service: watch.context.service.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: watch.since.elapsed().as_secs(),
        dependencies,
    };
    match status {
        State::Unhealthy => HttpResponse::ServiceUnavailable().json(health),
        _ => HttpResponse::Ok().json(health),
    }
}

async fn database(watch: &Watch) -> Dependency {
    let answer = tokio::time::timeout(DEADLINE, watch.context.database.ping()).await;
    let (status, latency, detail) = match answer {
        Ok(Ok(latency)) => (State::Healthy, Some(latency), None),
        Ok(Err(error)) => (State::Unhealthy, None, Some(error.to_string())),
        Err(_) => (State::Unhealthy, None, Some("no answer in time".to_owned())),
    };
    Dependency { name: "database".into(), status, latency_ms: latency.map(millis), detail }
}

/// A bus that is away does not keep requests from being answered: events wait in the outbox.
fn bus(watch: &Watch) -> Dependency {
    let health = watch.bus.health();
    let status = if health.state == BusState::Up { State::Healthy } else { State::Degraded };
    Dependency {
        name: "bus".into(),
        status,
        latency_ms: health.latency.map(millis),
        detail: Some(health.detail),
    }
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
