//! The `main` of a service that runs alone.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use hms_db::{Database, PoolOptions};
use hms_settings::Settings;

use crate::server::StopSignal;
use crate::{Service, ServiceSettings, Wiring, server};

/// Runs one service until Ctrl-C or SIGTERM; or, by its first argument, what belongs to running it:
///
/// - `migrate` makes or renews its tables and ends, for a job or an init container before the new version starts.
///   Of several that come at once, one does it and the others wait.
/// - `healthcheck` ends well if the service on this machine answers, for engines that look at containers by a program
///   inside of them.
pub fn run<S: Service>() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(act::<S>(&words)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The log may not have begun yet.
            let _unwritable = writeln!(std::io::stderr(), "hms-{}: {error:#}", S::NAME);
            ExitCode::FAILURE
        }
    }
}

async fn act<S: Service>(words: &[String]) -> anyhow::Result<()> {
    let settings = Settings::from_environment();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => until_stopped::<S>(&settings).await,
        ["migrate"] => migrate::<S>(&settings).await,
        ["healthcheck"] => {
            let own = ServiceSettings::read(&settings, S::NAME)?;
            Ok(hms_telemetry::healthcheck(SocketAddr::new(own.bind, own.port))?)
        }
        _ => bail!("unknown arguments; there are none, `migrate` and `healthcheck`"),
    }
}

async fn until_stopped<S: Service>(settings: &Settings) -> anyhow::Result<()> {
    hms_telemetry::logs::init(settings, &format!("hms-{}", S::NAME))?;
    let running = server::start::<S>(settings, Wiring::default()).await?;
    tracing::info!(service = S::NAME, address = %running.address(), "answering");
    match server::stop_signal().await? {
        StopSignal::Terminate => running.drain().await,
        StopSignal::Interrupt => running.stop().await,
    }
    Ok(())
}

async fn migrate<S: Service>(settings: &Settings) -> anyhow::Result<()> {
    hms_telemetry::logs::init(settings, &format!("hms-{}", S::NAME))?;
    let own = ServiceSettings::read(settings, S::NAME)?;
    let database = Database::new(own.database.clone(), PoolOptions::default());
    let done = database.migrate(&server::all_migrations::<S>()).await;
    let done = done.with_context(|| format!("the tables of {} cannot be made", S::NAME))?;
    tracing::info!(service = S::NAME, migrations = done.len(), "tables are up to date");
    Ok(())
}
