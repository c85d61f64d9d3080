//! `hms up`: the whole platform in one process, each service on its own port, the gateway in front.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::future::try_join_all;
use hms_bus::InProcess;
use hms_model::service::SERVICES;
use hms_service::{Program, Running, Wiring};
use hms_settings::Settings;

use crate::services::PROGRAMS;

/// How long all services may take to answer after they have started.
const PATIENCE: Duration = Duration::from_secs(30);

/// A platform that answers.
pub struct Platform {
    services: Vec<Running>,
    gateway: hms_gateway::Running,
}

impl Platform {
    /// Starts all services and then the gateway; returns when every one of them answers.
    pub async fn start(settings: &Settings) -> anyhow::Result<Self> {
        // One name would be that of all of them: each has its own in a trace.
        let settings = &settings.with([("OTEL_SERVICE_NAME", "")]);
        let broker = InProcess::new(SERVICES.iter().map(|service| service.name));
        let starting = PROGRAMS.iter().map(|program| start(program, settings, broker.clone()));
        let services = try_join_all(starting).await?;
        let gateway = hms_gateway::start(hms_gateway::Config::from_settings(settings)?).await?;
        let platform = Self { services, gateway };
        platform.wait_until_answering().await?;
        Ok(platform)
    }

    /// Where everything listens, the gateway first.
    pub fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        let services = self.services.iter().map(|running| (running.service(), running.address()));
        std::iter::once(("gateway", self.gateway.addr())).chain(services).collect()
    }

    /// The gateway first, so that no request comes in while the services end.
    pub async fn stop(self) {
        if let Err(error) = self.gateway.stop().await {
            tracing::error!(error = format!("{error:#}"), "the gateway did not end well");
        }
        futures_util::future::join_all(self.services.into_iter().map(Running::stop)).await;
    }

    async fn wait_until_answering(&self) -> anyhow::Result<()> {
        // Plain HTTP to this very machine: neither its certificates nor its proxy have a part in it.
        let client = reqwest::Client::builder().timeout(PATIENCE).tls_certs_only([]).no_proxy().build()?;
        for (name, address) in self.addresses() {
            let answer = client.get(format!("http://{address}/health")).send().await;
            answer
                .and_then(reqwest::Response::error_for_status)
                .with_context(|| format!("{name} does not answer at {address}"))?;
        }
        Ok(())
    }
}

/// Starts one service within the platform.
async fn start(program: &Program, settings: &Settings, broker: InProcess) -> anyhow::Result<Running> {
    let settings = with_own_database(settings, program.name)?;
    (program.start)(settings, Wiring { broker: Some(broker), ..Wiring::default() }).await
}

/// `DATABASE_URL` names the server here; each service has a database of its own on it.
pub(crate) fn with_own_database(settings: &Settings, service: &str) -> anyhow::Result<Settings> {
    let own = format!("{}_DATABASE_URL", service.to_uppercase());
    let server: Option<hms_db::DatabaseUrl> = settings.parse("DATABASE_URL")?;
    Ok(match server {
        Some(server) if settings.get(&own).is_none() => {
            settings.with([(own, server.with_database(&format!("{service}_db")).expose())])
        }
        _ => settings.clone(),
    })
}

/// Runs the platform until Ctrl-C or SIGTERM, and says on `out` where it is.
pub async fn up(settings: &Settings, out: &mut impl Write) -> anyhow::Result<()> {
    let begun = Instant::now();
    let data_dir = settings.get("HMS_DATA_DIR").unwrap_or_else(|| "data".into());
    let log_dir = crate::logs::folder(settings).display().to_string();
    hms_telemetry::logs::init(&settings.with([("LOG_DIR", log_dir)]), "hms")?;
    std::fs::create_dir_all(&data_dir).with_context(|| format!("the folder {data_dir} cannot be made"))?;
    let platform = Platform::start(settings).await?;
    write_table(&platform, begun.elapsed(), Path::new(&data_dir), out)?;
    hms_service::stop_signal().await?;
    writeln!(out, "stopping")?;
    platform.stop().await;
    Ok(())
}

fn write_table(
    platform: &Platform,
    took: Duration,
    data_dir: &Path,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    writeln!(out, "HMS answers after {:.2} s", took.as_secs_f64())?;
    for (name, address) in platform.addresses() {
        writeln!(out, "  {name:<14} http://{address}")?;
    }
    if let Some((_, gateway)) = platform.addresses().first() {
        writeln!(out, "  documentation  http://{gateway}/api/docs/")?;
    }
    let password = hms_auth::admin_password_file(data_dir);
    if password.exists() {
        writeln!(out, "  the first admin's password is in {}", password.display())?;
    }
    writeln!(out, "Ctrl-C stops it.")?;
    out.flush()?;
    Ok(())
}
