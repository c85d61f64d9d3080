//! While the database is not there yet: the service answers that it waits, rather than not at all.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, get, web};
use anyhow::Context as _;
use hms_db::{Backend, Database, Error, Migrations};
use hms_problem::{Code, Problem};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::health::{self, Dependency, Health, State};

/// How often to look for the database.
const RETRY: Duration = Duration::from_secs(1);
/// How often to say in the log that it is still away.
const REMIND: Duration = Duration::from_secs(30);

/// How long an answer that is under way may take to end, in seconds.
const ENDING: u64 = 1;

/// Makes the tables. A server that is away is waited for, for as long as it takes: it may come after us when everything
/// starts at once, and health tells the rest. For a file nobody else will come and make it readable.
pub(crate) async fn migrate(
    service: &'static str,
    database: &Database,
    migrations: &Migrations,
    listener: &TcpListener,
) -> anyhow::Result<()> {
    let mut waiting: Option<Waiting> = None;
    let mut told: Option<Instant> = None;
    let done = loop {
        match database.migrate(migrations).await {
            Err(error @ (Error::Unavailable(_) | Error::Busy)) if database.backend() == Backend::Postgres => {
                if told.is_none_or(|told| told.elapsed() >= REMIND) {
                    tracing::warn!(
                        service,
                        cause = format!("{:#}", anyhow::Error::from(error)),
                        "waiting for the database"
                    );
                    told = Some(Instant::now());
                }
                if waiting.is_none() {
                    waiting = Some(Waiting::start(service, listener)?);
                }
                sleep(RETRY).await;
            }
            outcome => break outcome.with_context(|| format!("the tables of {service} cannot be made"))?,
        }
    };
    if !done.is_empty() {
        tracing::info!(service, migrations = done.len(), "tables are up to date");
    }
    if let Some(waiting) = waiting {
        waiting.end().await;
    }
    Ok(())
}

/// A server in the place of the service.
struct Waiting {
    handle: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
}

#[derive(Clone)]
struct Since {
    service: &'static str,
    at: Instant,
}

impl Waiting {
    /// Answers on the socket of the service.
    fn start(service: &'static str, listener: &TcpListener) -> std::io::Result<Self> {
        let since = web::Data::new(Since { service, at: Instant::now() });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(since.clone())
                .service(health::alive)
                .service(detailed)
                .default_service(web::to(|| async {
                    Err::<HttpResponse, _>(Problem::new(Code::Unavailable))
                }))
                .wrap(from_fn(hms_api::identify))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(ENDING);
        let server = server.listen(listener.try_clone()?)?.run();
        Ok(Self { handle: server.handle(), serving: tokio::spawn(server) })
    }

    /// Makes room for the service. Whoever connects meanwhile waits at the socket, which stays open.
    async fn end(self) {
        self.handle.stop(true).await;
        let _ended = self.serving.await;
    }
}

#[get("/health/detailed")]
async fn detailed(since: web::Data<Since>) -> HttpResponse {
    let database = Dependency {
        name: "database".into(),
        status: State::Unhealthy,
        latency_ms: None,
        detail: Some("the database has not been there since the start".into()),
    };
    HttpResponse::ServiceUnavailable().json(Health {
        status: State::Unhealthy,
        service: since.service.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: since.at.elapsed().as_secs(),
        dependencies: vec![database],
    })
}
