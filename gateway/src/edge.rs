//! The settings of the side that clients see.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hms_settings::{SettingError, Settings};
use hms_telemetry::{LevelFilter, Lines, logs};
use hms_trace::{Sampling, Tracer};

use crate::access_log::AccessLog;
use crate::connections::Clients;
use crate::pace::Pace;
use crate::phases::cors::Cors;
use crate::proxies::{ForwardedHeader, Proxies};
use crate::tls::CertificateFiles;

/// How long a gateway that is told to stop goes on serving, unless set.
const DRAIN: Duration = Duration::from_secs(5);
/// The port for TLS.
const TLS_PORT: u16 = 8443;

/// How the gateway meets its clients. `Edge::default()` is what holds without any setting.
#[derive(Clone)]
pub struct Edge {
    /// Whose word counts about where a request came from.
    pub proxies: Proxies,
    /// How many connections, and how slow their clients may be.
    pub clients: Clients,
    /// How slow a client may be with a body.
    pub pace: Pace,
    /// How much may stand before the body.
    pub heads: Heads,
    /// Which web pages may read answers.
    pub cors: Cors,
    /// Whether answers are compressed for clients that ask.
    pub compress: bool,
    /// TLS on a port of its own, beside the plain one.
    pub tls: Option<Tls>,
    /// What part of the traces that begin here is marked as sampled, from 0 to 1, where no spans are sent.
    pub trace_ratio: f64,
    /// Where spans are sent.
    pub tracer: Tracer,
    /// Where the lines of the access log go.
    pub access_log: AccessLog,
    /// Whether the access log tells the network that a client is in.
    pub log_client: bool,
    /// How long the gateway goes on serving after it has said that it is no longer ready.
    pub drain: Duration,
}

/// How much may stand before the body of a request. actix itself takes 96 headers and 128 KiB.
#[derive(Debug, Clone, Copy)]
pub struct Heads {
    /// The number of headers.
    pub count: usize,
    /// The bytes of all their names and values.
    pub bytes: usize,
    /// The bytes of path and query.
    pub uri: usize,
}

/// TLS on a port of its own.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The certificate.
    pub files: CertificateFiles,
    /// How often the files are looked at.
    pub look_every: Duration,
    /// Whether the plain port only sends clients here.
    pub only: bool,
    /// The port that clients reach it by.
    pub public_port: u16,
    /// For how many seconds browsers come back over TLS only; 0 says nothing of it.
    pub hsts_seconds: u64,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            proxies: Proxies::default(),
            clients: Clients::default(),
            pace: Pace::default(),
            heads: Heads::default(),
            cors: Cors::default(),
            compress: true,
            tls: None,
            trace_ratio: 1.0,
            tracer: Tracer::default(),
            access_log: AccessLog::default(),
            log_client: false,
            drain: Duration::ZERO,
        }
    }
}

impl Default for Heads {
    fn default() -> Self {
        Self { count: 64, bytes: 32 * 1024, uri: 8 * 1024 }
    }
}

impl Edge {
    /// Reads the settings; each is described in the README beside this crate. Where spans are to be sent, it must be
    /// called inside a tokio runtime.
    pub fn from_settings(settings: &Settings, listen: SocketAddr) -> Result<Self, SettingError> {
        Ok(Self {
            proxies: proxies(settings)?,
            clients: clients(settings)?,
            pace: pace(settings)?,
            heads: heads(settings)?,
            cors: parsed(settings, "HMS_CORS_ORIGINS", Cors::parse)?,
            compress: settings.parse_or("HMS_COMPRESS", true)?,
            tls: tls(settings, listen)?,
            trace_ratio: Sampling::from_settings(settings)?.ratio(),
            tracer: Tracer::start(settings, "gateway")?,
            access_log: access_log(settings)?,
            log_client: settings.parse_or("HMS_LOG_CLIENT", false)?,
            drain: settings.seconds("HMS_DRAIN_SECONDS", DRAIN)?,
        })
    }
}

fn proxies(settings: &Settings) -> Result<Proxies, SettingError> {
    let header = settings.parse_or("HMS_FORWARDED_HEADER", ForwardedHeader::default())?;
    Ok(Proxies::new(parsed(settings, "HMS_TRUSTED_PROXIES", Proxies::networks)?, header))
}

fn clients(settings: &Settings) -> Result<Clients, SettingError> {
    let default = Clients::default();
    Ok(Clients {
        connections: settings.parse_or("HMS_MAX_CONNECTIONS", default.connections)?,
        per_address: settings.parse_or("HMS_MAX_CONNECTIONS_PER_ADDRESS", default.per_address)?,
        head: settings.seconds("HMS_HEAD_SECONDS", default.head)?,
        idle: settings.seconds("HMS_IDLE_SECONDS", default.idle)?,
        write: settings.seconds("HMS_WRITE_SECONDS", default.write)?,
    })
}

fn pace(settings: &Settings) -> Result<Pace, SettingError> {
    let default = Pace::default();
    Ok(Pace {
        grace: settings.seconds("HMS_BODY_SECONDS", default.grace)?,
        bytes_per_second: settings.parse_or("HMS_BODY_BYTES_PER_SECOND", default.bytes_per_second)?,
    })
}

fn heads(settings: &Settings) -> Result<Heads, SettingError> {
    let default = Heads::default();
    Ok(Heads {
        count: settings.parse_or("HMS_MAX_HEADERS", default.count)?,
        bytes: settings.parse_or("HMS_MAX_HEADER_BYTES", default.bytes)?,
        uri: settings.parse_or("HMS_MAX_URI_BYTES", default.uri)?,
    })
}

fn tls(settings: &Settings, listen: SocketAddr) -> Result<Option<Tls>, SettingError> {
    let files = match (settings.get("HMS_TLS_CERT"), settings.get("HMS_TLS_KEY")) {
        (None, None) => return Ok(None),
        (Some(chain), Some(key)) => CertificateFiles { chain: PathBuf::from(chain), key: PathBuf::from(key) },
        (Some(_), None) => return Err(SettingError::new("HMS_TLS_KEY", "is needed beside HMS_TLS_CERT")),
        (None, Some(_)) => return Err(SettingError::new("HMS_TLS_CERT", "is needed beside HMS_TLS_KEY")),
    };
    let port = match settings.parse("HMS_TLS_PORT")? {
        Some(port) => port,
        None => settings.port(TLS_PORT)?,
    };
    Ok(Some(Tls {
        listen: SocketAddr::new(listen.ip(), port),
        files,
        look_every: Duration::from_secs(5),
        only: settings.parse_or("HMS_TLS_ONLY", false)?,
        public_port: settings.parse_or("HMS_TLS_PUBLIC_PORT", port)?,
        hsts_seconds: settings.parse_or("HMS_HSTS_SECONDS", 31_536_000)?,
    }))
}

fn access_log(settings: &Settings) -> Result<AccessLog, SettingError> {
    if logs::level(settings)? < LevelFilter::INFO {
        return Ok(AccessLog::Off);
    }
    if !logs::json(settings)? {
        return Ok(AccessLog::Tracing);
    }
    let lines = Lines::to(logs::sink());
    lines.map(AccessLog::Json).map_err(|error| SettingError::new("LOG_FORMAT", error))
}

fn parsed<T, E: Display>(
    settings: &Settings,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, SettingError> {
    parse(&settings.get(name).unwrap_or_default()).map_err(|reason| SettingError::new(name, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge<const N: usize>(pairs: [(&str, &str); N]) -> Result<Edge, SettingError> {
        Edge::from_settings(&Settings::from_pairs(pairs), "127.0.0.1:8080".parse().unwrap())
    }

    #[test]
    fn settings_are_read() {
        let edge = edge([
            ("HMS_TLS_CERT", "a.pem"),
            ("HMS_TLS_KEY", "b.pem"),
            ("HMS_PORT_OFFSET", "100"),
            ("HMS_DRAIN_SECONDS", "2.5"),
            ("LOG_LEVEL", "warn"),
        ])
        .unwrap();
        assert_eq!(edge.tls.unwrap().listen.to_string(), "127.0.0.1:8543");
        assert_eq!(edge.drain, Duration::from_millis(2500));
        assert!(matches!(edge.access_log, AccessLog::Off));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (name, value) in [
            ("HMS_TRUSTED_PROXIES", "everybody"),
            ("HMS_FORWARDED_HEADER", "Via"),
            ("HMS_CORS_ORIGINS", "*"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
            ("HMS_DRAIN_SECONDS", "-1"),
            ("HMS_MAX_CONNECTIONS", "many"),
        ] {
            assert_eq!(edge([(name, value)]).err().map(|error| error.name).as_deref(), Some(name));
        }
        assert_eq!(edge([("HMS_TLS_CERT", "a")]).err().unwrap().name, "HMS_TLS_KEY");
    }
}
