//! The `main` of a service that runs alone.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use hms_db::{Database, PoolOptions};
use hms_settings::Settings;

use crate::server::StopSignal;
use crate::{Program, ServiceSettings, Wiring, server};

/// The exit code of `migrate --check` when tables are not what this version needs.
pub const PENDING: u8 = 3;

/// Runs one service until Ctrl-C or SIGTERM; or, by its first argument, what belongs to running it:
///
/// - `migrate` makes or renews its tables and ends, for a job or an init container before the new version starts.
///   Of several that come at once, one does it and the others wait. `migrate --check` changes nothing, writes the names
///   of what is still to be done, and ends with [`PENDING`] if there is any.
/// - `healthcheck` ends well if the service on this machine answers, for engines that look at containers by a program
///   inside of them.
pub fn run(program: &'static Program) -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(act(program, &words)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            // The log may not have begun yet.
            let _unwritable = writeln!(std::io::stderr(), "hms-{}: {error:#}", program.name);
            ExitCode::FAILURE
        }
    }
}

async fn act(program: &Program, words: &[String]) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_environment();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => until_stopped(program, &settings).await?,
        ["migrate"] => migrate(program, &settings).await?,
        ["migrate", "--check"] => return pending(program, &settings, &mut std::io::stdout()).await,
        ["healthcheck"] => {
            let own = ServiceSettings::read(&settings, program.name)?;
            hms_telemetry::healthcheck(SocketAddr::new(own.bind, own.port))?;
        }
        _ => bail!("unknown arguments; there are none, `migrate`, `migrate --check` and `healthcheck`"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn until_stopped(program: &Program, settings: &Settings) -> anyhow::Result<()> {
    hms_telemetry::logs::init(settings, &format!("hms-{}", program.name))?;
    let running = (program.start)(settings.clone(), Wiring::default()).await?;
    tracing::info!(service = program.name, address = %running.address(), "answering");
    match server::stop_signal().await? {
        StopSignal::Terminate => running.drain().await,
        StopSignal::Interrupt => running.stop().await,
    }
    Ok(())
}

async fn migrate(program: &Program, settings: &Settings) -> anyhow::Result<()> {
    hms_telemetry::logs::init(settings, &format!("hms-{}", program.name))?;
    let own = ServiceSettings::read(settings, program.name)?;
    let database = Database::new(own.database.clone(), PoolOptions::default());
    let done = database.migrate(&(program.migrations)()).await;
    let done = done.with_context(|| format!("the tables of {} cannot be made", program.name))?;
    tracing::info!(service = program.name, migrations = done.len(), "tables are up to date");
    Ok(())
}

async fn pending(program: &Program, settings: &Settings, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let own = ServiceSettings::read(settings, program.name)?;
    let database = Database::new(own.database.clone(), PoolOptions::default());
    let pending = database.pending(&(program.migrations)()).await;
    let pending = pending.with_context(|| format!("the tables of {} cannot be looked at", program.name))?;
    for name in &pending {
        writeln!(out, "{name}")?;
    }
    Ok(if pending.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PENDING) })
}
