//! The settings of the gateway.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hms_access::Verifier;
use hms_model::Clock;
use hms_model::service::GATEWAY_PORT;
use hms_settings::{SettingError, Settings};

use crate::{Auth, Edge, RateLimits, Routes, Source};

/// All that the gateway must know before it starts.
pub struct Config {
    /// Where it listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Which service answers what.
    pub routes: Routes,
    /// Checks access tokens.
    pub verifier: Verifier,
    /// The way to the auth service, for what is revoked and for API keys; without it there is neither.
    pub auth: Option<Auth>,
    /// How often a client may ask.
    pub rate_limits: RateLimits,
    /// How much and how long.
    pub limits: Limits,
    /// How it meets its clients.
    pub edge: Edge,
    /// Threads that answer requests, each with connections of its own to the services.
    pub workers: usize,
    /// The source of the time in request ids.
    pub clock: Clock,
}

/// How much a client may send, and how long a service may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest body of a request, in bytes.
    pub body: u64,
    /// How long a connection to a service may take to open.
    pub connect: Duration,
    /// How long a service may take from the end of the request to the head of its answer.
    pub head: Duration,
    /// How long a service may take to answer a question of the gateway itself: its health, its API document.
    pub probe: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1024 * 1024,
            connect: Duration::from_secs(1),
            head: Duration::from_secs(30),
            probe: Duration::from_secs(2),
        }
    }
}

impl Config {
    /// Reads the settings; each is described in the README beside this crate.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let bind = settings.parse_or("HMS_BIND", IpAddr::V4(Ipv4Addr::LOCALHOST))?;
        let offset = settings.parse_or("HMS_PORT_OFFSET", 0)?;
        let listen = SocketAddr::new(bind, settings.port(GATEWAY_PORT)?);
        Ok(Self {
            listen,
            routes: routes(settings, offset)?,
            verifier: verifier(settings)?,
            auth: Some(Auth::from_settings(settings, Clock::system())?),
            rate_limits: RateLimits::from_settings(settings)?,
            limits: limits(settings)?,
            edge: Edge::from_settings(settings, listen)?,
            workers: workers(settings)?,
            clock: Clock::system(),
        })
    }
}

fn workers(settings: &Settings) -> Result<usize, SettingError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(settings.parse_or("HMS_WORKERS", cores)?.max(1))
}

fn routes(settings: &Settings, offset: u16) -> Result<Routes, SettingError> {
    let (name, source) = match settings.get("HMS_ROUTES") {
        Some(path) => ("HMS_ROUTES", Source::File(path.into())),
        None => ("HMS_PORT_OFFSET", Source::Services(offset)),
    };
    Routes::open(source).map_err(|error| SettingError::new(name, error))
}

fn limits(settings: &Settings) -> Result<Limits, SettingError> {
    let default = Limits::default();
    let milliseconds = |name, default: Duration| {
        settings.parse::<u64>(name).map(|value| value.map_or(default, Duration::from_millis))
    };
    Ok(Limits {
        connect: milliseconds("HMS_GATEWAY_CONNECT_MS", default.connect)?,
        head: milliseconds("HMS_GATEWAY_RESPONSE_MS", default.head)?,
        ..default
    })
}

fn verifier(settings: &Settings) -> Result<Verifier, SettingError> {
    // The client that fetches the keys asks for one provider per process; more than once does no harm.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    Verifier::from_settings(settings, Clock::system())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config<const N: usize>(pairs: [(&str, &str); N]) -> Result<Config, SettingError> {
        Config::from_settings(&Settings::from_pairs(pairs))
    }

    #[test]
    fn without_settings_it_listens_on_loopback_and_knows_all_services() {
        let config = config([]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.routes.load().find("appointments").unwrap().upstream.address(), "127.0.0.1:8002");
        assert_eq!(config.limits.head, Duration::from_secs(30));
    }

    #[test]
    fn the_offset_moves_the_gateway_and_the_services() {
        let config = config([("HMS_PORT_OFFSET", "100")]).unwrap();
        assert_eq!(config.listen.port(), 8180);
        assert_eq!(config.routes.load().find("patients").unwrap().upstream.address(), "127.0.0.1:8101");
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let cases = [
            (("HMS_PORT_OFFSET", "60000"), "HMS_PORT_OFFSET"),
            (("HMS_BIND", "nowhere"), "HMS_BIND"),
            (("HMS_ROUTES", "no/such/file.toml"), "HMS_ROUTES"),
            (("HMS_GATEWAY_RESPONSE_MS", "soon"), "HMS_GATEWAY_RESPONSE_MS"),
            (("HMS_RATE_LIMITS", "some"), "HMS_RATE_LIMITS"),
            (("HMS_LIMITS", "no/such/file.toml"), "HMS_LIMITS"),
            (("REDIS_URL", "nonsense"), "REDIS_URL"),
            (("JWT_ALGORITHM", "none"), "JWT_ALGORITHM"),
            (("JWT_ALGORITHM", "HS256"), "JWT_SECRET"),
        ];
        for (pair, name) in cases {
            let error = config([pair]).err().expect(name);
            assert_eq!(error.name, name);
        }
    }
}
