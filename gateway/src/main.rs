//! The gateway as a program of its own: settings from the environment, until SIGTERM or Ctrl-C.

use hms_gateway::Config;
use hms_settings::Settings;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::from_environment();
    hms_telemetry::logs::init(&settings)?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut running = hms_gateway::start(Config::from_settings(&settings)?).await?;
    tokio::select! {
        ended = running.wait() => return ended,
        _ = terminated.recv() => {}
        pressed = tokio::signal::ctrl_c() => pressed?,
    }
    running.stop().await
}
