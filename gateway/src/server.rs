//! The server around the phases: binding, workers, stopping.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use actix_server::{Server, ServerHandle};
use actix_web::http::header::HeaderValue;
use anyhow::Context as _;
use hms_model::Clock;
use hms_telemetry::Metrics;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access_log::{AccessLog, Writer};
use crate::connections::Connections;
use crate::door::{self, Door};
use crate::identity::Identity;
use crate::limit::Limiter;
use crate::meter::{Families, Meter};
use crate::own::schema::Schema;
use crate::phases::protect;
use crate::tls::Certificate;
use crate::upstream::{self, Pool, probe};
use crate::{Config, Edge, Limits, Loaded, Routes, TableError, Tls};

/// How long requests in flight may take to end once the gateway stops.
const DRAIN_SECONDS: u64 = 30;
/// How many connections the kernel keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// What all workers share.
pub struct Shared {
    pub routes: Arc<Routes>,
    pub identity: Identity,
    /// Counts requests, where there are limits.
    pub limiter: Option<Limiter>,
    pub limits: Limits,
    pub edge: Edge,
    /// What browsers are told over TLS.
    pub hsts: Option<HeaderValue>,
    /// Whether the gateway is about to stop.
    pub leaving: AtomicBool,
    pub clock: Clock,
    pub metrics: Metrics,
    pub families: Arc<Families>,
    pub schema: Schema,
    pub since: Instant,
}

/// What one worker answers requests with.
pub struct Gateway {
    pub shared: Arc<Shared>,
    pub pool: Pool,
    pub meter: Meter,
    pub access_log: Writer,
}

/// A gateway that listens.
pub struct Running {
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    shared: Arc<Shared>,
    handle: ServerHandle,
    server: JoinHandle<io::Result<()>>,
    /// Cancelled when the gateway stops: streams end, and endpoints are no longer asked for their health.
    draining: CancellationToken,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for TLS.
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// Says that it is no longer ready (`/health/ready`), goes on serving for the time that the settings give to
    /// those who must notice, ends each connection with its next answer meanwhile, and stops.
    pub async fn drain(self) -> anyhow::Result<()> {
        self.shared.leaving.store(true, Ordering::Relaxed);
        let time = self.shared.edge.drain;
        tracing::info!(seconds = time.as_secs_f64(), "the gateway is no longer ready");
        tokio::time::sleep(time).await;
        self.stop().await
    }

    /// Takes no more connections, lets the requests in flight end, and returns then.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.draining.cancel();
        self.handle.stop(true).await;
        let ended = self.wait().await;
        self.shared.edge.tracer.flush().await;
        ended
    }

    /// Reads the table of routes again. One that cannot be used changes nothing; the log has the reason too.
    pub fn reload_routes(&self) -> Result<Loaded, TableError> {
        self.shared.routes.reload()
    }

    /// Returns when the gateway has ended by itself, which it does only by an error.
    pub async fn wait(&mut self) -> anyhow::Result<()> {
        (&mut self.server).await?.context("the gateway ended")
    }
}

/// Starts a gateway inside a tokio runtime and returns when it listens. Signals are the caller's matter.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let (listen, workers) = (config.listen, config.workers);
    let draining = CancellationToken::new();
    let shared = share(config, &draining)?;
    let tls = shared.edge.tls.clone();
    let load = |tls: &Tls| Certificate::load(tls.files.clone(), &shared.clock, &shared.metrics);
    let certificate = tls.as_ref().map(load).transpose()?;
    let (server, addresses) = serve(&shared, listen, workers, certificate.as_ref(), &draining)?;
    tokio::spawn(probe::watch(Arc::clone(&shared.routes), draining.clone()));
    if let (Some(tls), Some(certificate)) = (tls, certificate) {
        let (ends, clock) = (draining.clone(), shared.clock.clone());
        tokio::spawn(async move {
            ends.run_until_cancelled(certificate.keep_fresh(tls.look_every, clock)).await;
        });
    }
    Ok(Running {
        address: addresses.first().copied().unwrap_or(listen),
        tls_address: addresses.get(1).copied(),
        handle: server.handle(),
        server: tokio::spawn(server),
        shared,
        draining,
    })
}

fn share(config: Config, draining: &CancellationToken) -> anyhow::Result<Arc<Shared>> {
    let Config { routes, verifier, auth, rate_limits, limits, edge, clock, .. } = config;
    let (metrics, routes) = (Metrics::new(), Arc::new(routes));
    if let AccessLog::Json(lines) = &edge.access_log {
        metrics.add(lines.dropped());
    }
    metrics.spans_of(&edge.tracer)?;
    upstream::metrics::register(&metrics, &routes)?;
    Ok(Arc::new(Shared {
        routes,
        identity: Identity::start(verifier, auth, clock.clone(), &metrics, draining.clone())?,
        limiter: Limiter::start(rate_limits, clock.clone(), &metrics, draining.clone())?,
        limits,
        hsts: edge.tls.as_ref().and_then(|tls| protect::hsts(tls.hsts_seconds)),
        edge,
        leaving: AtomicBool::new(false),
        clock,
        families: Arc::new(Families::new(metrics.clone())?),
        metrics,
        schema: Schema::default(),
        since: Instant::now(),
    }))
}

/// The server, and where it listens: first without, then with TLS.
fn serve(
    shared: &Arc<Shared>,
    listen: SocketAddr,
    workers: usize,
    certificate: Option<&Certificate>,
    draining: &CancellationToken,
) -> anyhow::Result<(Server, Vec<SocketAddr>)> {
    let clients = shared.edge.clients;
    raise_descriptors(clients.connections);
    let connections = Connections::new(clients, shared.edge.proxies.clone(), &shared.metrics)?;
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(most_per_worker(clients.connections, workers))
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals();
    let door = Door {
        shared: Arc::clone(shared),
        connections: Arc::new(connections),
        ending: draining.clone(),
        stopping: builder.graceful_shutdown_signal(),
    };
    let plain = bind(listen)?;
    let mut addresses = vec![plain.local_addr()?];
    let (open, tls) = (door.clone(), door);
    let mut builder = builder.listen("http", plain, move || open.clone().plain())?;
    if let (Some(settings), Some(certificate)) = (&shared.edge.tls, certificate) {
        let listener = bind(settings.listen)?;
        addresses.push(listener.local_addr()?);
        let config = door::alpn(certificate.server_config()?);
        builder = builder.listen("https", listener, move || tls.clone().encrypted(config.clone()))?;
    }
    Ok((builder.run(), addresses))
}

/// Each client takes a descriptor, and many shells give a process a thousand until it asks for more.
fn raise_descriptors(connections: u32) {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|most| most < u64::from(connections)) {
        tracing::warn!(most = limit.maximum, connections, "fewer files may be open than connections");
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "the number of open files stays as it is");
    }
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // A gateway that is started again meets the last connections of the one before.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        io::Result::Ok(socket.into())
    };
    bound().map_err(|error| cannot_listen(address, error))
}

impl Gateway {
    /// With nothing counted and no connection open.
    pub fn new(shared: &Arc<Shared>, ending: CancellationToken) -> Self {
        let pool = Pool::new(shared.limits.connect, ending);
        pool.keep_tidy();
        let meter = Meter::new(Arc::clone(&shared.families));
        let access_log = shared.edge.access_log.writer();
        Self { shared: Arc::clone(shared), pool, meter, access_log }
    }
}

/// actix stops to accept at this number; ours is refused with an answer and must come before it.
fn most_per_worker(connections: u32, workers: usize) -> usize {
    usize::try_from(connections).unwrap_or(usize::MAX).saturating_mul(2) / workers.max(1) + 64
}

fn cannot_listen(address: SocketAddr, error: io::Error) -> anyhow::Error {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => format!("the gateway cannot listen: port {} is taken", address.port()),
        _ => format!("the gateway cannot listen on {address}"),
    };
    anyhow::Error::new(error).context(why)
}
