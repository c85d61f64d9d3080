//! The `main` of a service that runs alone.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use hms_db::{Database, PoolOptions};
use hms_settings::Settings;

use crate::server::StopSignal;
use crate::{Service, ServiceSettings, Wiring, server};

/// The exit code of `migrate --check` when tables are not what this version needs.
pub const PENDING: u8 = 3;

/// Runs one service until Ctrl-C or SIGTERM; or, by its first argument, what belongs to running it:
///
/// - `migrate` makes or renews its tables and ends, for a job or an init container before the new version starts.
///   Of several that come at once, one does it and the others wait. `migrate --check` changes nothing, writes the names
///   of what is still to be done, and ends with [`PENDING`] if there is any.
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
        Ok(code) => code,
        Err(error) => {
            // The log may not have begun yet.
            let _unwritable = writeln!(std::io::stderr(), "hms-{}: {error:#}", S::NAME);
            ExitCode::FAILURE
        }
    }
}

async fn act<S: Service>(words: &[String]) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_environment();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => until_stopped::<S>(&settings).await?,
        ["migrate"] => migrate::<S>(&settings).await?,
        ["migrate", "--check"] => return pending::<S>(&settings, &mut std::io::stdout()).await,
        ["healthcheck"] => {
            let own = ServiceSettings::read(&settings, S::NAME)?;
            hms_telemetry::healthcheck(SocketAddr::new(own.bind, own.port))?;
        }
        _ => bail!("unknown arguments; there are none, `migrate`, `migrate --check` and `healthcheck`"),
    }
    Ok(ExitCode::SUCCESS)
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

async fn pending<S: Service>(settings: &Settings, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let own = ServiceSettings::read(settings, S::NAME)?;
    let database = Database::new(own.database.clone(), PoolOptions::default());
    let pending = database.pending(&server::all_migrations::<S>()).await;
    let pending = pending.with_context(|| format!("the tables of {} cannot be looked at", S::NAME))?;
    for name in &pending {
        writeln!(out, "{name}")?;
    }
    Ok(if pending.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PENDING) })
}
