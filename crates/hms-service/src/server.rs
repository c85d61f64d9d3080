//! Starting and stopping one service.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use actix_web::dev::ServerHandle;
use actix_web::http::header::ContentType;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_access::Verifier;
use hms_api::fallback::KnownPaths;
use hms_bus::{Consumer, RunningBus};
use hms_db::{Database, Migrations, PoolOptions};
use hms_model::event::consumed_by;
use hms_model::job::queues_of;
use hms_settings::Settings;
use hms_telemetry::Metrics;
use hms_trace::Tracer;
use tokio::task::JoinHandle;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};

use crate::access_log::AccessLog;
use crate::call::look_at_token;
use crate::health::Watch;
use crate::lists::Lists;
use crate::metrics::Gauges;
use crate::tasks::Tasks;
use crate::{
    Context, Service, ServiceSettings, Wiring, dead_letters, health, metrics, openapi, settings, upkeep,
    waiting,
};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/service");
/// How long a request that is under way may take to end when the service stops.
const DRAIN_SECONDS: u64 = 10;

/// A service that answers.
pub struct Running {
    service: &'static str,
    address: SocketAddr,
    context: Context,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    bus: Arc<RunningBus>,
    leaving: Arc<AtomicBool>,
}

impl Running {
    /// The name of the service.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its handlers share.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Its part of the bus.
    pub fn bus(&self) -> &RunningBus {
        &self.bus
    }

    /// Says that it is no longer ready (`/health/ready`), goes on serving for `HMS_DRAIN_SECONDS` for those who must
    /// notice, ends each connection with its next answer meanwhile, and stops.
    pub async fn drain(self) {
        self.leaving.store(true, Ordering::Relaxed);
        let time = self.context.own.drain;
        tracing::info!(service = self.service, seconds = time.as_secs_f64(), "no longer ready");
        tokio::time::sleep(time).await;
        self.stop().await;
    }

    /// Takes no new requests, finishes those under way, then ends the tasks, the relay and the consumers.
    pub async fn stop(self) {
        self.context.tasks.close();
        self.server.stop(true).await;
        if let Ok(Err(error)) = self.serving.await {
            tracing::error!(service = self.service, %error, "the server did not end well");
        }
        self.context.tasks.end().await;
        self.bus.stop().await;
        self.context.tracer.flush().await;
    }
}

/// The tables of a service: what the shared crates keep in its database, then its own.
pub fn all_migrations<S: Service>() -> Migrations {
    let common = Migrations::new().and(hms_bus::MIGRATIONS).and(MIGRATIONS);
    let common = S::shared_migrations().into_iter().fold(common, Migrations::and);
    common.and(S::migrations())
}

/// Starts a service; returns when it answers.
pub async fn start<S: Service>(settings: &Settings, wiring: Wiring) -> anyhow::Result<Running> {
    install_tls();
    let own = Arc::new(ServiceSettings::read(settings, S::NAME)?);
    let listener = match wiring.listener {
        Some(listener) => listener,
        None => bind(&own)?,
    };
    let database = Database::new(own.database.clone(), PoolOptions::default());
    waiting::migrate(S::NAME, &database, &all_migrations::<S>(), &listener).await?;
    let verifier = match wiring.verifier {
        Some(verifier) => verifier,
        None => Verifier::from_settings(settings, wiring.clock.clone())?,
    };
    let transport = settings::transport(settings, wiring.broker.as_ref());
    let relay = hms_bus::Relay::default();
    let context = Context {
        service: S::NAME,
        access_log: AccessLog::start(S::NAME, wiring.clock.clone(), database.clone(), relay.clone()),
        lists: Lists::new(database.clone()),
        clock: wiring.clock,
        database,
        settings: settings.clone(),
        metrics: Metrics::new(),
        tracer: Tracer::start(settings, S::NAME)?,
        tasks: Tasks::default(),
        verifier,
        relay: relay.clone(),
        jobs: hms_bus::Waiting::default(),
        in_flight: Arc::default(),
        own,
    };
    let state = Arc::new(S::start(&context).await.with_context(|| format!("{} cannot start", S::NAME))?);
    let consumer = S::consumer(&state);
    check_registry(S::NAME, &consumer)?;
    let bus = hms_bus::start(
        S::NAME,
        context.database.clone(),
        context.clock.clone(),
        transport,
        consumer,
        relay,
        bus_options(settings, &context)?,
    );
    serve::<S>(listener, context, state, Arc::new(bus))
}

/// `HMS_FAILPOINT` is for crash tests: where the process shall end when it comes by.
fn bus_options(settings: &Settings, context: &Context) -> anyhow::Result<hms_bus::Options> {
    Ok(hms_bus::Options {
        fail_at: settings.parse("HMS_FAILPOINT")?,
        tracer: context.tracer.clone(),
        lag: metrics::lag(&context.metrics)?,
        waiting: context.jobs.clone(),
        ..hms_bus::Options::default()
    })
}

/// Producers make the queues that the registry names: what it does not name would be lost before the first start.
fn check_registry(service: &str, consumer: &Consumer) -> anyhow::Result<()> {
    let (acted_upon, registered) = (consumer.kinds().collect::<Vec<_>>(), consumed_by(service));
    anyhow::ensure!(
        acted_upon == registered,
        "{service} acts upon {acted_upon:?}, but the registry of events says {registered:?}"
    );
    let (done, registered) = (consumer.queues().collect::<Vec<_>>(), queues_of(service));
    anyhow::ensure!(
        done == registered,
        "{service} does the jobs of {done:?}, but the registry of work queues says {registered:?}"
    );
    Ok(())
}

fn bind(own: &ServiceSettings) -> anyhow::Result<TcpListener> {
    TcpListener::bind((own.bind, own.port)).with_context(|| {
        let name = own.entry.name;
        format!("port {} of {name} cannot be used: set HMS_PORT_OFFSET, or stop what listens there", own.port)
    })
}

fn serve<S: Service>(
    listener: TcpListener,
    context: Context,
    state: Arc<S::State>,
    bus: Arc<RunningBus>,
) -> anyhow::Result<Running> {
    let address = listener.local_addr()?;
    let workers = context.own.workers;
    let gauges = web::Data::new(Gauges::new(&context)?);
    let leaving = Arc::new(AtomicBool::new(false));
    let watch = web::Data::new(Watch {
        context: context.clone(),
        bus: bus.clone(),
        since: Instant::now(),
        leaving: Arc::clone(&leaving),
    });
    let shared = Shared { context: context.clone(), state: web::Data::from(state), watch, gauges };
    let document = document::<S>();
    let known = KnownPaths::of(&document);
    // As it is sent: it takes a tenth of the memory of what it is made from.
    let document = web::Bytes::from(document.to_json()?);
    let server = HttpServer::new(move || {
        let shared = shared.clone();
        let (app, _) = App::new().into_utoipa_app().configure(all_routes::<S>).split_for_parts();
        app.configure(|cfg| configure::<S>(cfg, &shared, (&known, &document)))
            .wrap(from_fn(look_at_token))
            .wrap(from_fn(metrics::observe))
            .wrap(from_fn(hms_api::identify))
    });
    context.tasks.spawn(|stop| upkeep::run(context.giving_way(), stop));
    let server =
        server.workers(workers).disable_signals().shutdown_timeout(DRAIN_SECONDS).listen(listener)?.run();
    Ok(Running {
        service: S::NAME,
        address,
        server: server.handle(),
        serving: tokio::spawn(server),
        context,
        bus,
        leaving,
    })
}

struct Shared<T> {
    context: Context,
    state: web::Data<T>,
    watch: web::Data<Watch>,
    gauges: web::Data<Gauges>,
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self {
            context: self.context.clone(),
            state: self.state.clone(),
            watch: self.watch.clone(),
            gauges: self.gauges.clone(),
        }
    }
}

/// The document of a service, complete without starting it.
pub fn document<S: Service>() -> OpenApi {
    let (_, api) = App::new().into_utoipa_app().configure(all_routes::<S>).split_for_parts();
    openapi::complete::<S>(api)
}

fn all_routes<S: Service>(routes: &mut ServiceConfig<'_>) {
    routes.service(health::alive).service(health::ready).service(health::detailed).service(metrics::metrics);
    S::root_routes(routes);
    let own = format!("/api/v1/services/{}", S::NAME);
    routes.service(scope::scope(own.as_str()).configure(dead_letters::routes));
    routes.service(scope::scope("/api/v1").configure(S::routes));
}

fn configure<S: Service>(
    cfg: &mut web::ServiceConfig,
    shared: &Shared<S::State>,
    (known, document): (&KnownPaths, &web::Bytes),
) {
    let (known, document) = (known.clone(), document.clone());
    cfg.app_data(shared.context.clone())
        .app_data(shared.state.clone())
        .app_data(shared.watch.clone())
        .app_data(shared.gauges.clone())
        .app_data(hms_api::path_config())
        .app_data(web::PayloadConfig::new(hms_api::BODY_LIMIT));
    hms_docs::configure(
        cfg,
        &hms_docs::Pages { title: format!("HMS {}", S::NAME), spec_url: "/openapi.json", base: "" },
    );
    let document = move || {
        let answer = HttpResponse::Ok().content_type(ContentType::json()).body(document.clone());
        async { answer }
    };
    cfg.route("/openapi.json", web::get().to(document));
    cfg.default_service(web::to(move |request: actix_web::HttpRequest| {
        let answer = known.answer(&request);
        async move { answer }
    }));
}

/// rustls asks for one provider per process; more than once does no harm.
fn install_tls() {
    let _already_there = rustls::crypto::ring::default_provider().install_default();
}

/// By what a process was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM, as orchestrators send it.
    Terminate,
    /// Ctrl-C, from somebody who waits for the end.
    Interrupt,
}

/// Returns at Ctrl-C or SIGTERM.
pub async fn stop_signal() -> std::io::Result<StopSignal> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome.map(|()| StopSignal::Interrupt),
        _ = terminate.recv() => Ok(StopSignal::Terminate),
    }
}
