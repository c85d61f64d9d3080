//! Limit: whether the client may ask once more. Every answer of the API says how much is left, in the fields of the
//! IETF's draft-ietf-httpapi-ratelimit-headers and in those that came before it.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use hms_problem::{Code, Problem};

use crate::context::Context;
use crate::limit::{Asker, Limiter, State};
use crate::server::Shared;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Counts the request; refuses it where a limit is reached. `path` is given from the resource on.
pub async fn count(shared: &Shared, context: &mut Context, group: &str, path: &str) -> Result<(), Problem> {
    let Some(limiter) = &shared.limiter else { return Ok(()) };
    let asker = Asker { caller: context.caller.as_deref(), address: context.client };
    context.counted = limiter.count(&asker, group, path).await;
    match refusal(&context.counted.states) {
        Some(problem) => Err(problem),
        None => Ok(()),
    }
}

/// Counts a wrong secret that was shown; the refusal where there were too many.
pub async fn failed(limiter: Option<&Limiter>, address: IpAddr) -> Option<Problem> {
    refusal(&limiter?.guess(address).await.0)
}

/// Once the answer is known: what was no wrong secret is no failure; and the client reads how much is left.
pub async fn settle(shared: &Shared, context: &mut Context, status: StatusCode, headers: &mut HeaderMap) {
    if let (Some(limiter), Some(guess)) = (&shared.limiter, context.counted.take_guess())
        && status != StatusCode::UNAUTHORIZED
    {
        limiter.forgive(guess).await;
    }
    announce(&context.counted.states, shared.clock.now().timestamp(), headers);
}

/// The refusal that lasts longest.
pub fn refusal(states: &[State]) -> Option<Problem> {
    let state = states.iter().filter(|state| state.refused).max_by_key(|state| state.reset)?;
    let mut problem = Problem::new(Code::RateLimited)
        .detail("policy", state.name)
        .detail("limit", state.limit)
        .retry_after(state.reset.max(1));
    if let Some(seconds) = state.window {
        problem = problem.detail("window_seconds", seconds);
    }
    Some(problem)
}

/// `RateLimit-Policy: "minute";q=50;w=60, "hour";q=1000;w=3600` and `RateLimit: "minute";r=49;t=60, …`. The older
/// fields know one limit only, and get the one of which least is left; their reset is a time in seconds since 1970.
fn announce(states: &[State], now: i64, headers: &mut HeaderMap) {
    let Some(closest) = states.iter().min_by_key(|state| (!state.refused, state.remaining)) else { return };
    let (mut policy, mut left) = (Field::default(), Field::default());
    for state in states {
        let State { name, limit, remaining, reset, .. } = state;
        policy.item(name).parameter("q", *limit);
        left.item(name).parameter("r", *remaining);
        match state.window {
            Some(seconds) => {
                policy.parameter("w", seconds);
                left.parameter("t", *reset);
            }
            None => policy.0.push_str(";qu=\"concurrent-requests\""),
        }
    }
    for (name, Field(value)) in [(POLICY, policy), (RATE_LIMIT, left)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(LIMIT, closest.limit.into());
    headers.insert(REMAINING, closest.remaining.into());
    if closest.window.is_some() {
        headers.insert(RESET, HeaderValue::from(now + i64::from(closest.reset)));
    }
}

/// A list of strings with parameters (RFC 8941, 3.1).
struct Field(String);

impl Default for Field {
    fn default() -> Self {
        Self(String::with_capacity(128))
    }
}

impl Field {
    fn item(&mut self, name: &str) -> &mut Self {
        self.0.push_str(if self.0.is_empty() { "\"" } else { ", \"" });
        self.0.push_str(name);
        self.0.push('"');
        self
    }

    fn parameter(&mut self, name: &str, number: u32) -> &mut Self {
        self.0.push(';');
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(itoa::Buffer::new().format(number));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(name: &'static str, window: Option<u32>, remaining: u32, refused: bool) -> State {
        State { name, limit: 50, window, remaining, reset: 7, refused }
    }

    #[test]
    fn the_fields_are_those_of_the_draft() {
        let cases = [
            (
                vec![state("minute", Some(60), 49, false), state("hour", Some(3600), 3, false)],
                ("\"minute\";q=50;w=60, \"hour\";q=50;w=3600", "\"minute\";r=49;t=7, \"hour\";r=3;t=7"),
                ("3", Some("1007")),
            ),
            (
                vec![state("concurrent", None, 31, false)],
                ("\"concurrent\";q=50;qu=\"concurrent-requests\"", "\"concurrent\";r=31"),
                ("31", None),
            ),
        ];
        for (states, (policy, left), (remaining, reset)) in cases {
            let mut headers = HeaderMap::new();
            announce(&states, 1000, &mut headers);
            let value = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(value(&POLICY), Some(policy));
            assert_eq!(value(&RATE_LIMIT), Some(left));
            assert_eq!(value(&LIMIT), Some("50"));
            assert_eq!((value(&REMAINING), value(&RESET)), (Some(remaining), reset));
        }
        let mut headers = HeaderMap::new();
        announce(&[], 1000, &mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn a_refusal_names_the_limit_and_the_wait() {
        assert!(refusal(&[state("minute", Some(60), 0, false)]).is_none());
        let longer = State { reset: 900, ..state("hour", Some(3600), 0, true) };
        let problem = refusal(&[state("minute", Some(60), 0, true), longer]).unwrap();
        assert_eq!((problem.code(), problem.retry_after_seconds()), (Code::RateLimited, Some(900)));
        assert_eq!(problem.details()["policy"], "hour");
        assert_eq!(problem.details()["window_seconds"], 3600);
    }
}
