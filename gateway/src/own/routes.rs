//! The table of routes as those who run the platform see it, and the order to read it again. Both are only for
//! tokens with the scope for it.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use hms_model::role::{Requirement, Scope};
use hms_problem::{Code, Problem};
use serde::Serialize;

use crate::Upstream;
use crate::phases::identify;
use crate::server::Gateway;
use crate::table::{Loaded, Route, Source};
use crate::upstream::{self, BreakerState, Endpoint, Settings};

/// Adds the two pages.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(web::resource(["/admin/routes", "/admin/routes/"]).route(web::get().to(show)));
    cfg.service(
        web::resource(["/admin/routes/reload", "/admin/routes/reload/"]).route(web::post().to(reload)),
    );
}

/// The table in force.
#[derive(Serialize)]
struct Shown {
    source: String,
    #[serde(flatten)]
    loaded: Loaded,
    refused: u64,
    services: Vec<ShownUpstream>,
    routes: Vec<ShownRoute>,
}

#[derive(Serialize)]
struct ShownUpstream {
    name: String,
    breaker: BreakerState,
    requests: u32,
    streams: u32,
    retries: u32,
    endpoints: Vec<ShownEndpoint>,
    settings: Settings,
}

#[derive(Serialize)]
struct ShownEndpoint {
    address: String,
    weight: u32,
    requests: u32,
    down: bool,
    ejected: bool,
}

#[derive(Serialize)]
struct ShownRoute {
    prefix: String,
    upstream: String,
    group: String,
    body_limit: Option<u64>,
}

async fn show(gateway: Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    allow(&gateway, &request, Scope::OperationRead).await?;
    let routes = &gateway.shared.routes;
    let table = routes.load();
    Ok(HttpResponse::Ok().json(Shown {
        source: match routes.source() {
            Source::File(path) => path.display().to_string(),
            Source::Services(_) => "the list of services".to_owned(),
            Source::Given => "given at the start".to_owned(),
        },
        loaded: routes.describe(),
        refused: routes.counts().1,
        services: table.upstreams().map(|upstream| ShownUpstream::of(upstream)).collect(),
        routes: table.routes().into_iter().map(|route| ShownRoute::of(route)).collect(),
    }))
}

async fn reload(gateway: Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    allow(&gateway, &request, Scope::OperationWrite).await?;
    // A file on a slow disk must not hold up this worker.
    let shared = gateway.shared.clone();
    let loaded = web::block(move || shared.routes.reload()).await.map_err(|_| Code::Unavailable)?;
    match loaded {
        Ok(loaded) => Ok(HttpResponse::Ok().json(loaded)),
        Err(error) => {
            let message = "The new table cannot be used; the old one stays in force.";
            let reason = error.to_string();
            Err(Problem::new(Code::Unprocessable).message(message).detail("reason", reason))
        }
    }
}

async fn allow(gateway: &Gateway, request: &HttpRequest, scope: Scope) -> Result<(), Problem> {
    let caller = identify::own_caller(&gateway.shared, request.headers()).await?;
    let claims = caller.ok_or(Code::Unauthenticated)?;
    if claims.meets(Requirement::Scope(scope)) { Ok(()) } else { Err(Code::Forbidden.into()) }
}

impl ShownUpstream {
    fn of(upstream: &Upstream) -> Self {
        Self {
            name: upstream.name().to_owned(),
            breaker: upstream.breaker(),
            requests: upstream.requests(),
            streams: upstream.streams(),
            retries: upstream.retries().0,
            endpoints: upstream.endpoints().iter().map(|endpoint| ShownEndpoint::of(endpoint)).collect(),
            settings: upstream.settings().clone(),
        }
    }
}

impl ShownEndpoint {
    fn of(endpoint: &Endpoint) -> Self {
        Self {
            address: endpoint.address.to_string(),
            weight: endpoint.weight,
            requests: endpoint.seen.active(),
            down: endpoint.seen.is_down(),
            ejected: endpoint.seen.is_ejected(upstream::now()),
        }
    }
}

impl ShownRoute {
    fn of(route: &Route) -> Self {
        Self {
            prefix: route.prefix.to_string(),
            upstream: route.upstream.name().to_owned(),
            group: route.group.to_string(),
            body_limit: route.body_limit,
        }
    }
}
