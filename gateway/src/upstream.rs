//! The way to the services: HTTP/1.1 over connections that are kept open, a pool of them in each worker thread,
//! with bodies that stream both ways. `send` is the way of one request; the other files are what it asks:
//! whether the service is to be left alone (`breaker`), which endpoint is next (`balance`, `endpoint`), and
//! whether a request may be sent again (`budget`).

mod balance;
mod body;
mod breaker;
mod budget;
mod clock;
mod connection;
mod download;
mod endpoint;
mod failure;
mod frames;
pub mod headers;
pub mod metrics;
mod pool;
pub mod probe;
mod send;
mod settings;
mod tunnel;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

pub use balance::MOST as MOST_ENDPOINTS;
pub use body::RequestBody;
pub use breaker::State as BreakerState;
pub use clock::now;
pub use download::Download;
pub use endpoint::Endpoint;
pub use failure::{Failure, Kind, too_large};
pub use pool::Pool;
pub use send::{Answer, Order, send};
pub use settings::Settings;

use balance::Set;
use breaker::{Breaker, Pass};
use budget::{Budget, Spent};
use clock::Millis;

/// A service as the gateway reaches it.
#[derive(Debug, Clone)]
pub struct Upstream {
    name: String,
    settings: Settings,
    endpoints: Vec<Arc<Endpoint>>,
    state: Arc<State>,
}

/// What the gateway has seen of a service. It stays when the table is read again.
#[derive(Debug)]
struct State {
    requests: AtomicU32,
    streams: AtomicU32,
    turn: AtomicU32,
    breaker: Arc<Breaker>,
    budget: Arc<Budget>,
    /// Held while an endpoint is ejected, so that two workers do not eject the last two.
    ejecting: Mutex<()>,
    ejected: AtomicU32,
    failures: [AtomicU32; Kind::ALL.len()],
}

/// A place among the requests, or the streams, of a service; free again when it is dropped.
#[derive(Debug)]
pub struct Slot {
    state: Arc<State>,
    is_stream: bool,
}

/// A request under way to an endpoint.
#[derive(Debug)]
struct Using(Arc<Endpoint>);

impl Upstream {
    /// A service of this name with these endpoints, of which there must be at least one.
    pub(crate) fn new(name: String, endpoints: Vec<Endpoint>, settings: Settings) -> Self {
        let state = State {
            requests: AtomicU32::new(0),
            streams: AtomicU32::new(0),
            turn: AtomicU32::new(0),
            breaker: Arc::default(),
            budget: Arc::new(Budget::new(&settings.retry)),
            ejecting: Mutex::new(()),
            ejected: AtomicU32::new(0),
            failures: std::array::from_fn(|_| AtomicU32::new(0)),
        };
        let endpoints = endpoints.into_iter().map(Arc::new).collect();
        Self { name, settings, endpoints, state: Arc::new(state) }
    }

    /// The same service with what is known of it and of those endpoints that stay.
    pub(crate) fn continuing(self, before: &Self) -> Self {
        let endpoints = self.endpoints.into_iter().map(|endpoint| {
            let known = before.endpoints.iter().find(|known| known.address == endpoint.address);
            match known {
                Some(known) => Arc::new(Endpoint { seen: Arc::clone(&known.seen), ..(*endpoint).clone() }),
                None => endpoint,
            }
        });
        Self { endpoints: endpoints.collect(), state: Arc::clone(&before.state), ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the gateway deals with it.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The `host:port` of its first endpoint.
    pub fn address(&self) -> &str {
        self.endpoints.first().map_or("", |endpoint| &*endpoint.address)
    }

    /// Its endpoints, in the order of the table.
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    /// The state of its circuit breaker.
    pub fn breaker(&self) -> BreakerState {
        self.state.breaker.state()
    }

    /// How often its circuit breaker has opened.
    pub fn breaker_opened(&self) -> u32 {
        self.state.breaker.opened()
    }

    /// Requests under way.
    pub fn requests(&self) -> u32 {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// Event streams and WebSockets that are open.
    pub fn streams(&self) -> u32 {
        self.state.streams.load(Ordering::Relaxed)
    }

    /// Requests that were sent again, and those that the budget did not allow to be.
    pub fn retries(&self) -> (u32, u32) {
        (self.state.budget.retried(), self.state.budget.refused())
    }

    /// How often an endpoint was ejected.
    pub fn ejections(&self) -> u32 {
        self.state.ejected.load(Ordering::Relaxed)
    }

    /// How often there was no answer, by kind.
    pub fn failures(&self) -> impl Iterator<Item = (Kind, u32)> {
        Kind::ALL
            .into_iter()
            .zip(&self.state.failures)
            .map(|(kind, count)| (kind, count.load(Ordering::Relaxed)))
    }

    /// Lets a request through, if the breaker does.
    fn admit(&self) -> Result<Pass, Failure> {
        let admitted = self.state.breaker.admit(&self.settings.breaker, clock::now);
        admitted.map_err(|refused| Failure::Open(refused.0))
    }

    /// Lets a few requests through an open breaker, since there is a sign that the service is back.
    fn hint_at_recovery(&self) {
        self.state.breaker.hint(clock::now());
    }

    /// A place among its requests, if one is free.
    fn enter(&self) -> Result<Slot, Failure> {
        self.take(&self.state.requests, self.settings.bounds.requests, false).ok_or(Failure::Full)
    }

    /// A place among its streams, if one is free.
    fn enter_stream(&self) -> Result<Slot, Failure> {
        self.take(&self.state.streams, self.settings.bounds.streams, true).ok_or(Failure::Full)
    }

    fn take(&self, count: &AtomicU32, bound: u32, is_stream: bool) -> Option<Slot> {
        // The slot gives back what was taken, also where it was one too many.
        let taken = count.fetch_add(1, Ordering::Relaxed);
        let slot = Slot { state: Arc::clone(&self.state), is_stream };
        (taken < bound).then_some(slot)
    }

    /// The place of the endpoint for the next request.
    fn pick(&self, tried: Set) -> Option<usize> {
        if let [_] = self.endpoints.as_slice() {
            // Most services have one, and nothing needs to be counted for it.
            return (!tried.has(0)).then_some(0);
        }
        let turn = self.state.turn.fetch_add(1, Ordering::Relaxed);
        let random = |below| fastrand::u32(0..below);
        balance::pick(&self.endpoints, tried, self.settings.balance, clock::now(), turn, random)
    }

    /// Takes one retry out of the budget.
    fn spend_retry(&self) -> Option<Spent> {
        self.state.budget.spend(&self.settings.retry, self.requests())
    }

    /// Notes that a request got no answer, or was not let through.
    fn count(&self, failure: &Failure) {
        let counted = failure.kind().and_then(|kind| self.state.failures.get(kind.place()));
        if let Some(count) = counted {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that an endpoint failed; it is ejected after too many failures in a row, if another one is left.
    fn note_failure(&self, endpoint: &Endpoint, now: Millis) {
        if !endpoint.seen.fail(&self.settings.ejection) {
            return;
        }
        let _one_at_a_time = self.state.ejecting.lock();
        let others = self.endpoints.iter().filter(|other| other.address != endpoint.address);
        if endpoint.seen.is_ejected(now) || !others.into_iter().any(|other| other.seen.is_usable(now)) {
            return;
        }
        let time = endpoint.seen.eject(&self.settings.ejection, now);
        self.state.ejected.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            upstream = self.name,
            endpoint = &*endpoint.address,
            for_ms = time,
            "endpoint ejected"
        );
    }
}

impl Slot {
    fn count(&self) -> &AtomicU32 {
        if self.is_stream { &self.state.streams } else { &self.state.requests }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.count().fetch_sub(1, Ordering::Relaxed);
    }
}

impl Using {
    fn begin(endpoint: Arc<Endpoint>) -> Self {
        endpoint.seen.begin();
        Self(endpoint)
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        self.0.seen.end();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::settings::{Bounds, Ejection};
    use super::*;

    fn upstream(endpoints: usize, settings: Settings) -> Upstream {
        let endpoint = |number| Endpoint::new(&format!("http://e{number}"), 1).unwrap();
        Upstream::new("user".to_owned(), (0..endpoints).map(endpoint).collect(), settings)
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Fails(usize),
        Answers(usize),
        Passes(Millis),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0_usize..6).prop_map(Step::Fails),
            1 => (0_usize..6).prop_map(Step::Answers),
            1 => (1_u64..5_000).prop_map(Step::Passes),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn never_are_all_endpoints_ejected(
            steps in prop::collection::vec(step(), 0..300),
            endpoints in 1_usize..6,
        ) {
            let ejection = Ejection { failures: 2, first_ms: 100, longest_ms: 3_000 };
            let upstream = upstream(endpoints, Settings { ejection, ..Settings::default() });
            let mut now = 0;
            for step in steps {
                match step {
                    Step::Fails(place) => {
                        let endpoint = &upstream.endpoints[place % endpoints];
                        upstream.note_failure(endpoint, now);
                    }
                    Step::Answers(place) => upstream.endpoints[place % endpoints].seen.succeed(),
                    Step::Passes(time) => now += time,
                }
                prop_assert!(upstream.endpoints.iter().any(|endpoint| !endpoint.seen.is_ejected(now)));
                prop_assert!(upstream.pick(Set::default()).is_some());
            }
        }
    }

    #[test]
    fn an_endpoint_that_fails_is_ejected_while_another_one_is_there() {
        let upstream = upstream(2, Settings::default());
        for _ in 0..4 {
            upstream.note_failure(&upstream.endpoints[0], 0);
        }
        assert!(!upstream.endpoints[0].seen.is_ejected(0));
        upstream.note_failure(&upstream.endpoints[0], 0);
        assert!(upstream.endpoints[0].seen.is_ejected(0));
        for _ in 0..50 {
            upstream.note_failure(&upstream.endpoints[1], 0);
        }
        assert!(!upstream.endpoints[1].seen.is_ejected(0), "it is the last one");
        assert_eq!(upstream.ejections(), 1);
    }

    #[test]
    fn no_more_requests_than_there_are_places() {
        let bounds = Bounds { requests: 2, streams: 1 };
        let upstream = upstream(1, Settings { bounds, ..Settings::default() });
        let slots = [upstream.enter().unwrap(), upstream.enter().unwrap()];
        assert!(upstream.enter().is_err());
        let stream = upstream.enter_stream().unwrap();
        assert!(upstream.enter_stream().is_err());
        assert_eq!((upstream.requests(), upstream.streams()), (2, 1));
        drop((slots, stream));
        assert_eq!((upstream.requests(), upstream.streams()), (0, 0));
    }

    #[test]
    fn what_is_known_stays_when_the_table_is_read_again() {
        let before = upstream(3, Settings::default());
        before.endpoints[1].seen.begin();
        let held = before.enter().unwrap();
        let after = upstream(2, Settings::default()).continuing(&before);
        assert_eq!(after.requests(), 1);
        assert_eq!(after.endpoints[1].seen.active(), 1);
        drop(held);
        assert_eq!(after.requests(), 0);
    }
}
