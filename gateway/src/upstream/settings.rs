//! How the gateway deals with one service: what stands in the table beside its name and its endpoints.
//! Durations are in milliseconds, shares in percent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// All of it; each part has a default that holds where the table says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How one of several endpoints is chosen.
    pub balance: Balance,
    /// How long it may take.
    pub deadlines: Deadlines,
    /// How much of the gateway it may take.
    pub bounds: Bounds,
    /// How the gateway asks for its health.
    pub health: Health,
    /// When an endpoint that fails is left out.
    pub ejection: Ejection,
    /// When the whole service is left alone.
    pub breaker: BreakerSettings,
    /// When a request is sent a second time.
    pub retry: Retry,
}

/// How one of several endpoints is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// Of two endpoints taken at random, the one with fewer requests under way for its weight.
    #[default]
    LeastLoaded,
    /// One after the other, each as often as its weight says.
    RoundRobin,
}

/// How long a service may take.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deadlines {
    /// For a connection to open; without it the gateway's own setting holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<u64>,
    /// From the last of the request to the head of the answer; without it the gateway's own setting holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_ms: Option<u64>,
    /// From the first of the request to the last of the answer, event streams and WebSockets excepted.
    pub total_ms: u64,
    /// Between two parts of an answer.
    pub idle_ms: u64,
    /// Between two parts of an event stream, or two of a WebSocket in either direction.
    pub stream_idle_ms: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect_ms: None,
            response_ms: None,
            total_ms: 300_000,
            idle_ms: 60_000,
            stream_idle_ms: 300_000,
        }
    }
}

/// How much of the gateway one service may take, so that a slow one leaves enough for the others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// Requests under way at one time.
    pub requests: u32,
    /// Event streams and WebSockets open at one time.
    pub streams: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { requests: 1024, streams: 1024 }
    }
}

/// How the gateway asks each endpoint for its health.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// The path to ask; anything of the 2xx is a good answer.
    pub path: String,
    /// How often; 0 asks never.
    pub interval_ms: u64,
    /// How long an answer may take.
    pub timeout_ms: u64,
    /// After so many bad answers in a row an endpoint is left out.
    pub unhealthy: u32,
    /// After so many good answers in a row it is back.
    pub healthy: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self { path: "/health".to_owned(), interval_ms: 5_000, timeout_ms: 2_000, unhealthy: 3, healthy: 1 }
    }
}

/// When an endpoint that fails is left out, while another one is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ejection {
    /// After so many failures in a row; 0 ejects never.
    pub failures: u32,
    /// For how long the first time; each time that follows soon takes twice as long.
    pub first_ms: u64,
    /// For how long at most.
    pub longest_ms: u64,
}

impl Default for Ejection {
    fn default() -> Self {
        Self { failures: 5, first_ms: 2_000, longest_ms: 60_000 }
    }
}

/// When the whole service is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerSettings {
    /// So many requests without an answer within the window open it; 0 opens it never.
    pub failures: u32,
    /// If they are at least this share of all requests.
    pub percent: u32,
    /// The window.
    pub window_ms: u64,
    /// How long it stays open the first time; each time that follows at once takes twice as long.
    pub open_ms: u64,
    /// How long at most.
    pub longest_ms: u64,
    /// So many answers in a row close it again.
    pub trials: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 10, percent: 50, window_ms: 10_000, open_ms: 1_000, longest_ms: 10_000, trials: 2 }
    }
}

/// When a request is sent a second time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// How often one request is sent at most; 1 never sends it again.
    pub attempts: u32,
    /// Retries to the requests of the service, of those under way and of all.
    pub percent: u32,
    /// So many are allowed beside that share, for a service with few requests.
    pub floor: u32,
    /// The largest body that is kept to be sent again, in bytes.
    pub body_bytes: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, percent: 20, floor: 10, body_bytes: 64 * 1024 }
    }
}

impl Settings {
    /// What cannot be right, in words.
    pub fn check(&self) -> Result<(), &'static str> {
        let rules = [
            (self.deadlines.connect_ms != Some(0), "deadlines.connect_ms must be at least 1"),
            (self.deadlines.response_ms != Some(0), "deadlines.response_ms must be at least 1"),
            (self.deadlines.total_ms > 0, "deadlines.total_ms must be at least 1"),
            (self.deadlines.idle_ms > 0, "deadlines.idle_ms must be at least 1"),
            (self.deadlines.stream_idle_ms > 0, "deadlines.stream_idle_ms must be at least 1"),
            (self.bounds.requests > 0, "bounds.requests must be at least 1"),
            (is_path(&self.health.path), "health.path must begin with a slash and be a path"),
            (self.health.timeout_ms > 0, "health.timeout_ms must be at least 1"),
            (self.health.unhealthy > 0, "health.unhealthy must be at least 1"),
            (self.health.healthy > 0, "health.healthy must be at least 1"),
            (self.ejection.first_ms > 0, "ejection.first_ms must be at least 1"),
            (
                self.ejection.longest_ms >= self.ejection.first_ms,
                "ejection.longest_ms must not be below first_ms",
            ),
            ((1..=100).contains(&self.breaker.percent), "breaker.percent must be from 1 to 100"),
            (self.breaker.window_ms > 0, "breaker.window_ms must be at least 1"),
            (self.breaker.open_ms > 0, "breaker.open_ms must be at least 1"),
            (self.breaker.longest_ms >= self.breaker.open_ms, "breaker.longest_ms must not be below open_ms"),
            (self.breaker.trials > 0, "breaker.trials must be at least 1"),
            ((1..=5).contains(&self.retry.attempts), "retry.attempts must be from 1 to 5"),
            (self.retry.percent <= 100, "retry.percent must be from 0 to 100"),
            (self.retry.body_bytes <= 1024 * 1024, "retry.body_bytes must be at most 1048576"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, reason)| Err(reason))
    }
}

impl Deadlines {
    /// From the first of the request to the last of the answer.
    pub fn total(&self) -> Duration {
        Duration::from_millis(self.total_ms)
    }

    /// Between two parts of an answer.
    pub fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    /// Between two parts of a stream.
    pub fn stream_idle(&self) -> Duration {
        Duration::from_millis(self.stream_idle_ms)
    }
}

fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.parse::<http::uri::PathAndQuery>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_their_own_rules() {
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn what_cannot_be_right_is_named() {
        for (text, name) in [
            ("deadlines = { total_ms = 0 }", "deadlines.total_ms"),
            ("bounds = { requests = 0 }", "bounds.requests"),
            ("health = { path = 'health' }", "health.path"),
            ("health = { path = '/a b' }", "health.path"),
            ("breaker = { percent = 101 }", "breaker.percent"),
            ("breaker = { open_ms = 60000 }", "breaker.longest_ms"),
            ("ejection = { first_ms = 90000 }", "ejection.longest_ms"),
            ("retry = { attempts = 0 }", "retry.attempts"),
        ] {
            let settings: Settings = toml::from_str(text).unwrap();
            let reason = settings.check().expect_err(text);
            assert!(reason.starts_with(name), "{text}: {reason}");
        }
    }
}
