//! The server around the phases: binding, workers, stopping.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use anyhow::Context as _;
use hms_access::Verifier;
use hms_model::Clock;
use hms_telemetry::Metrics;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::own::{self, schema::Schema};
use crate::phases;
use crate::upstream::{self, Pool, probe};
use crate::{Config, Edge, Limits, Loaded, Routes, TableError};

/// How long requests in flight may take to end once the gateway stops.
const DRAIN_SECONDS: u64 = 30;
/// How long a client's connection may stay open between two requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// What all workers share.
pub struct Shared {
    pub routes: Arc<Routes>,
    pub verifier: Verifier,
    pub limits: Limits,
    pub edge: Edge,
    pub clock: Clock,
    pub metrics: Metrics,
    pub schema: Schema,
    pub since: Instant,
}

/// What one worker answers requests with.
pub struct Gateway {
    pub shared: Arc<Shared>,
    pub pool: Pool,
}

/// A gateway that listens.
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    server: JoinHandle<io::Result<()>>,
    routes: Arc<Routes>,
    /// Cancelled when the gateway stops: streams end, and endpoints are no longer asked for their health.
    draining: CancellationToken,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets the requests in flight end, and returns then.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.draining.cancel();
        self.handle.stop(true).await;
        self.wait().await
    }

    /// Reads the table of routes again. One that cannot be used changes nothing; the log has the reason too.
    pub fn reload_routes(&self) -> Result<Loaded, TableError> {
        self.routes.reload()
    }

    /// Returns when the gateway has ended by itself, which it does only by an error.
    pub async fn wait(&mut self) -> anyhow::Result<()> {
        (&mut self.server).await?.context("the gateway ended")
    }
}

/// Starts a gateway inside a tokio runtime and returns when it listens. Signals are the caller's matter.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let Config { listen, routes, verifier, limits, edge, workers, clock } = config;
    let (metrics, schema) = (Metrics::new(), Schema::default());
    let (routes, draining) = (Arc::new(routes), CancellationToken::new());
    upstream::metrics::register(&metrics, &routes)?;
    tokio::spawn(probe::watch(Arc::clone(&routes), draining.clone()));
    let (table, ending) = (Arc::clone(&routes), draining.clone());
    let shared =
        Arc::new(Shared { routes, verifier, limits, edge, clock, metrics, schema, since: Instant::now() });
    let server = HttpServer::new(move || {
        let pool = Pool::new(shared.limits.connect, ending.clone());
        pool.keep_tidy();
        let gateway = Data::new(Gateway { shared: Arc::clone(&shared), pool });
        let row = Data::clone(&gateway);
        App::new()
            .app_data(gateway)
            .configure(own::configure)
            .wrap(from_fn(move |request, next| phases::run(Data::clone(&row), request, next)))
    })
    .workers(workers)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(DRAIN_SECONDS)
    .disable_signals()
    .bind(listen)
    .map_err(|error| cannot_listen(listen, error))?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    let server = server.run();
    let handle = server.handle();
    Ok(Running { address, handle, server: tokio::spawn(server), routes: table, draining })
}

fn cannot_listen(address: SocketAddr, error: io::Error) -> anyhow::Error {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => format!("the gateway cannot listen: port {} is taken", address.port()),
        _ => format!("the gateway cannot listen on {address}"),
    };
    anyhow::Error::new(error).context(why)
}
