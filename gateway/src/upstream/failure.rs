//! Why there is no answer of a service.

use std::io;

use hms_problem::{Code, Problem};

use super::clock::Millis;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection could be opened: the service has seen nothing of the request.
    #[error("no connection to the service")]
    Unreachable(#[source] io::Error),
    /// The connection broke, or what came is not HTTP.
    #[error("the service gave no usable answer")]
    Broken(#[source] hyper::Error),
    /// The service wants to talk another protocol, and nobody asked for one.
    #[error("the service switched protocols unasked")]
    Switched,
    /// The body of the answer broke off or is too large to be read whole.
    #[error("the answer of the service cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The head of the answer did not come in time.
    #[error("the service did not answer in time")]
    Slow,
    /// The circuit breaker is open, for so long at most.
    #[error("the service is left alone for a while")]
    Open(Millis),
    /// As many requests, or streams, are under way as the service may have.
    #[error("too many requests are under way to the service")]
    Full,
    /// The body of the request is over the limit.
    #[error("the body is too large")]
    TooLarge,
    /// The body of the request ended before its end, or is not well formed.
    #[error("the body is not whole")]
    Aborted,
    /// The client stopped sending the body of the request.
    #[error("the body did not arrive in time")]
    Stalled,
}

/// The failures that are not the client's, as a metric tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No connection.
    Unreachable,
    /// No usable answer.
    Broken,
    /// No answer in time.
    Slow,
    /// Not let through by the breaker.
    Open,
    /// No place.
    Full,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Unreachable, Self::Broken, Self::Slow, Self::Open, Self::Full];

    /// Its name as a label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Broken => "broken",
            Self::Slow => "slow",
            Self::Open => "breaker_open",
            Self::Full => "full",
        }
    }

    /// Its place in [`Kind::ALL`].
    pub fn place(self) -> usize {
        match self {
            Self::Unreachable => 0,
            Self::Broken => 1,
            Self::Slow => 2,
            Self::Open => 3,
            Self::Full => 4,
        }
    }
}

impl Failure {
    /// Its kind, where it is not the client's.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Unreachable(_) => Some(Kind::Unreachable),
            Self::Broken(_) | Self::Switched | Self::Unreadable(_) => Some(Kind::Broken),
            Self::Slow => Some(Kind::Slow),
            Self::Open(_) => Some(Kind::Open),
            Self::Full => Some(Kind::Full),
            Self::TooLarge | Self::Aborted | Self::Stalled => None,
        }
    }

    /// The refusal that the client gets. `service` is who should have answered, and `limit` the largest body in
    /// bytes.
    pub fn problem(&self, service: &str, limit: u64) -> Problem {
        let problem = match self {
            Self::TooLarge => return too_large(limit),
            Self::Aborted => {
                return Problem::new(Code::InvalidRequest).message("The body ended before its end.");
            }
            Self::Stalled => return Code::RequestTimeout.into(),
            Self::Unreachable(_) => Problem::new(Code::Unavailable).detail("reason", "unreachable"),
            Self::Open(after) => {
                let seconds = u32::try_from(after.div_ceil(1_000)).unwrap_or(u32::MAX).max(1);
                Problem::new(Code::Unavailable).retry_after(seconds).detail("reason", "breaker_open")
            }
            Self::Full => Problem::new(Code::Unavailable).detail("reason", "full"),
            Self::Broken(_) | Self::Switched | Self::Unreadable(_) => Problem::new(Code::BadGateway),
            Self::Slow => Problem::new(Code::GatewayTimeout),
        };
        problem.detail("service", service)
    }
}

/// The refusal of a body over the limit.
pub fn too_large(limit: u64) -> Problem {
    Problem::new(Code::PayloadTooLarge).detail("limit_bytes", limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_where_the_kind_stands() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.place(), place);
        }
    }

    #[test]
    fn failures_are_told_apart() {
        let unreachable = || Failure::Unreachable(io::ErrorKind::ConnectionRefused.into());
        for (failure, code, reason, after) in [
            (unreachable(), Code::Unavailable, Some("unreachable"), Some(1)),
            (Failure::Open(4_001), Code::Unavailable, Some("breaker_open"), Some(5)),
            (Failure::Full, Code::Unavailable, Some("full"), Some(1)),
            (Failure::Switched, Code::BadGateway, None, None),
            (Failure::Slow, Code::GatewayTimeout, None, None),
        ] {
            let problem = failure.problem("user", 10);
            assert_eq!(problem.code(), code);
            assert_eq!(problem.details()["service"], "user");
            assert_eq!(problem.details().get("reason").and_then(|reason| reason.as_str()), reason);
            assert_eq!(problem.retry_after_seconds(), after);
        }
    }
}
