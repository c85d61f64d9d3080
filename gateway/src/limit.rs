//! How often a client may ask: rules by plan and by group of routes, counted in memory or, for several gateways
//! together, in Redis.

mod in_flight;
mod key;
mod memory;
mod redis;
mod rules;
mod window;

use std::net::IpAddr;
use std::sync::Arc;

use ::redis::Client;
use hms_access::Claims;
use hms_model::Clock;
use hms_settings::{SettingError, Settings};
use hms_telemetry::Metrics;
use prometheus::IntCounterVec;
use tokio_util::sync::CancellationToken;

use in_flight::{InFlight, Permit};
use key::Key;
use memory::Memory;
use redis::Shared;
use rules::{ANONYMOUS, DEFAULT_PLAN, LOGIN, Rule, Rules};
pub use window::Quota;
use window::Taken;

/// What the limits are, and where requests are counted.
#[derive(Clone, Default)]
pub struct RateLimits {
    rules: Option<Rules>,
    redis: Option<Client>,
}

impl RateLimits {
    /// No limits at all.
    pub fn off() -> Self {
        Self::default()
    }

    /// Reads the settings; each is described in the README beside this crate.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        const SWITCH: &str = "HMS_RATE_LIMITS";
        let rules = match settings.get(SWITCH).as_deref() {
            Some("off") => None,
            None | Some("on") => Some(rules(settings)?),
            Some(_) => return Err(SettingError::new(SWITCH, "must be on or off")),
        };
        let client = |url: String| {
            Client::open(url).map_err(|_| SettingError::new("REDIS_URL", "is no URL of a Redis"))
        };
        Ok(Self { rules, redis: settings.get("REDIS_URL").map(client).transpose()? })
    }
}

fn rules(settings: &Settings) -> Result<Rules, SettingError> {
    const FILE: &str = "HMS_LIMITS";
    let Some(path) = settings.get(FILE) else { return Ok(Rules::default()) };
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|error| SettingError::new(FILE, format_args!("{path}: {error}")))?;
    Rules::parse(&text).map_err(|error| SettingError::new(FILE, format_args!("{path}: {error}")))
}

/// Counts requests.
pub struct Limiter {
    rules: Rules,
    memory: Memory,
    shared: Option<Shared>,
    in_flight: InFlight,
    refused: IntCounterVec,
    clock: Clock,
}

/// A request that was counted, until its answer is known.
#[derive(Default)]
pub struct Counted {
    /// What each limit says, those that refused among them.
    pub states: Vec<State>,
    /// Its place among those on their way.
    permit: Option<Permit>,
    /// What is given back unless the answer shows that a wrong secret was shown.
    guess: Option<Guess>,
}

/// What one limit says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The name that clients read.
    pub name: &'static str,
    /// How much there is of it.
    pub limit: u32,
    /// In how many seconds; nothing where it is so many at the same time.
    pub window: Option<u32>,
    /// How much is left.
    pub remaining: u32,
    /// In how many seconds more of it is left.
    pub reset: u32,
    /// Whether the request was refused by it.
    pub refused: bool,
}

/// A request that may be a guess at a secret, counted as a failure until it proves to be none.
pub struct Guess {
    key: Key,
    in_redis: bool,
}

/// Whose request it is.
pub struct Asker<'a> {
    /// What the token says, where there is one.
    pub caller: Option<&'a Claims>,
    /// Where it comes from.
    pub address: IpAddr,
}

impl Limiter {
    /// A limiter; nothing where limits are off.
    pub fn start(
        limits: RateLimits,
        clock: Clock,
        metrics: &Metrics,
        draining: CancellationToken,
    ) -> anyhow::Result<Option<Self>> {
        let Some(rules) = limits.rules else { return Ok(None) };
        let refused = metrics.counters(
            "hms_gateway_rate_limited_total",
            "Requests refused by a limit, by the rule (group/plan) that refused them.",
            &["rule"],
        )?;
        let shared = limits.redis.map(|client| Shared::start(client, metrics, draining)).transpose()?;
        let (memory, in_flight) = (Memory::default(), InFlight::default());
        Ok(Some(Self { rules, memory, shared, in_flight, refused, clock }))
    }

    /// Counts a request to a route of a group; `path` is given from the resource on.
    pub async fn count(&self, asker: &Asker<'_>, group: &str, path: &str) -> Counted {
        let plan = asker.caller.map_or(ANONYMOUS, |claims| claims.plan.as_deref().unwrap_or(DEFAULT_PLAN));
        let group = rules::group_of(group, path);
        let rule = self.rules.find(group, plan);
        let key = Key::of(rule, asker.caller, asker.address);
        let mut counted = Counted::default();
        if let Some(limit) = rule.concurrent {
            let entered = self.in_flight.enter(key, limit);
            let left = entered.as_ref().map(|(_, left)| *left);
            counted.permit = entered.map(|(permit, _)| permit);
            counted.states.push(State::at_once(limit, left));
        }
        if !counted.is_refused() && !rule.quotas.is_empty() {
            let (taken, _) = self.take(key, rule).await;
            counted.add(rule, &taken);
        }
        if !counted.is_refused() && group == LOGIN {
            let (states, guess) = self.guess(asker.address).await;
            counted.states.extend(states);
            counted.guess = guess;
        }
        if counted.is_refused() {
            counted.permit = None;
            self.refused.with_label_values(&[&*rule.name]).inc();
        }
        counted
    }

    /// Counts one that shows a secret, which is a failure until it proves to be none.
    pub async fn guess(&self, address: IpAddr) -> (Vec<State>, Option<Guess>) {
        let rule = self.rules.failures();
        let key = Key::of(rule, None, address);
        let (taken, in_redis) = self.take(key, rule).await;
        let states = State::all(rule, &taken);
        let guess = taken.iter().all(|taken| taken.admitted).then_some(Guess { key, in_redis });
        if guess.is_none() {
            self.refused.with_label_values(&[&*rule.name]).inc();
        }
        (states, guess)
    }

    /// It proved to be none.
    pub async fn forgive(&self, guess: Guess) {
        let rule = self.rules.failures();
        match &self.shared {
            // Where Redis is away at this moment, the failure stays until its window has passed.
            Some(shared) if guess.in_redis => drop(Box::pin(shared.give_back(guess.key, rule)).await),
            _ => self.memory.give_back(guess.key, rule, self.now()),
        }
    }

    async fn take(&self, key: Key, rule: &Rule) -> (Vec<Taken>, bool) {
        if let Some(shared) = &self.shared
            && let Ok(taken) = Box::pin(shared.take(key, rule)).await
        {
            return (taken, true);
        }
        (self.memory.take(key, rule, self.now()), false)
    }

    fn now(&self) -> u64 {
        self.clock.now().timestamp_millis().try_into().unwrap_or_default()
    }
}

impl Counted {
    /// Whether some limit refused it.
    pub fn is_refused(&self) -> bool {
        self.states.iter().any(|state| state.refused)
    }

    /// The guess, to be forgiven or not.
    pub fn take_guess(&mut self) -> Option<Guess> {
        self.guess.take()
    }

    fn add(&mut self, rule: &Arc<Rule>, taken: &[Taken]) {
        self.states.extend(State::all(rule, taken));
    }
}

impl State {
    fn all(rule: &Rule, taken: &[Taken]) -> Vec<Self> {
        let of = |(quota, taken): (&Quota, &Taken)| Self {
            name: quota.name,
            limit: quota.limit,
            window: Some(quota.seconds),
            remaining: taken.remaining,
            reset: whole_seconds(taken.reset),
            refused: !taken.admitted,
        };
        rule.quotas.iter().zip(taken).map(of).collect()
    }

    fn at_once(limit: u32, left: Option<u32>) -> Self {
        let (remaining, refused) = (left.unwrap_or(0), left.is_none());
        Self { name: "concurrent", limit, window: None, remaining, reset: 1, refused }
    }
}

/// Rounded up: a client that waits so long must find room.
fn whole_seconds(duration: std::time::Duration) -> u32 {
    duration.as_millis().div_ceil(1000).try_into().unwrap_or(u32::MAX)
}
