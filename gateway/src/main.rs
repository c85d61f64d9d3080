//! The gateway as a program of its own: settings from the environment, until SIGTERM or Ctrl-C.

use hms_gateway::Config;
use hms_settings::Settings;
use tokio::signal::unix::{SignalKind, signal};

/// A request is a few dozen small allocations, and this one makes less of them than the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if hms_gateway::command::run(std::env::args().skip(1))? {
        return Ok(());
    }
    let settings = Settings::from_environment();
    hms_telemetry::logs::init(&settings, "hms-gateway")?;
    let mut reread = signal(SignalKind::hangup())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut running = hms_gateway::start(Config::from_settings(&settings)?).await?;
    loop {
        tokio::select! {
            ended = running.wait() => return ended,
            _ = terminated.recv() => return running.drain().await,
            pressed = tokio::signal::ctrl_c() => break pressed?,
            _ = reread.recv() => {
                // The log says what came of it.
                let _logged = running.reload_routes();
            }
        }
    }
    running.stop().await
}
