//! The `main` of a service that runs alone.

use std::io::Write;
use std::process::ExitCode;

use hms_settings::Settings;

use crate::{Service, Wiring, server};

/// Runs one service until Ctrl-C or SIGTERM.
pub fn run<S: Service>() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(until_stopped::<S>()),
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

async fn until_stopped<S: Service>() -> anyhow::Result<()> {
    let settings = Settings::from_environment();
    hms_telemetry::logs::init(&settings)?;
    let running = server::start::<S>(&settings, Wiring::default()).await?;
    tracing::info!(service = S::NAME, address = %running.address(), "answering");
    server::stop_signal().await?;
    running.stop().await;
    Ok(())
}
