//! A gateway, a client and two kinds of service to put around it.

mod auth;
mod client;
mod echo;
mod raw;
mod tape;

use std::time::Duration;

use chrono::TimeDelta;
use hms_access::{Claims, Issuer, KeySource, SigningKey, Verifier};
use hms_gateway::{Config, Edge, Limits, RouteTable, Routes, Running, start};
use hms_model::Clock;
use hms_model::id::Id;
use hms_model::role::Role;

pub use auth::{AuthService, Made};
pub use client::{Answer, Client, get};
pub use echo::{Echo, LARGE};
pub use raw::{RawService, Reply};
pub use tape::Tape;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The pause between two looks at something that must come.
pub const PAUSE: Duration = Duration::from_millis(20);

/// A gateway and the keys that it trusts.
pub struct Gateway {
    pub running: Running,
    pub issuer: Issuer,
    pub clock: Clock,
}

impl Gateway {
    /// A gateway before one service, `user`, that answers patients, practitioners and accounts.
    pub async fn before(address: &str) -> Self {
        Self::with(address, Limits::default()).await
    }

    /// The same with limits of its own.
    pub async fn with(address: &str, limits: Limits) -> Self {
        Self::of(&upstream("user", address, &["patients", "practitioners", "accounts"]), limits).await
    }

    /// A gateway before the service `user` that meets its clients like this.
    pub async fn edge(address: &str, edge: Edge) -> Self {
        let routes = upstream("user", address, &["patients", "practitioners", "accounts"]);
        Self::start(RouteTable::parse(&routes).unwrap().into(), Limits::default(), edge).await
    }

    /// The same, where it may not start.
    pub async fn try_edge(address: &str, edge: Edge) -> anyhow::Result<Self> {
        Self::try_start(
            RouteTable::parse(&upstream("user", address, &["patients"]))?.into(),
            Limits::default(),
            edge,
        )
        .await
    }

    /// A gateway with a table of routes.
    pub async fn of(routes: &str, limits: Limits) -> Self {
        Self::serving(RouteTable::parse(routes).unwrap().into(), limits).await
    }

    /// The same with a table that can be read again.
    pub async fn serving(routes: Routes, limits: Limits) -> Self {
        Self::start(routes, limits, Edge::default()).await
    }

    async fn start(routes: Routes, limits: Limits, edge: Edge) -> Self {
        Self::try_start(routes, limits, edge).await.unwrap()
    }

    async fn try_start(routes: Routes, limits: Limits, edge: Edge) -> anyhow::Result<Self> {
        let issuer = Issuer::new(SigningKey::generate().unwrap()).unwrap();
        let clock = Clock::system();
        let verifier = Verifier::new(KeySource::Set(issuer.jwks()), clock.clone()).unwrap();
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            routes,
            verifier,
            auth: None,
            rate_limits: hms_gateway::RateLimits::off(),
            limits,
            edge,
            workers: 1,
            clock: clock.clone(),
        };
        Ok(Self { running: start(config).await?, issuer, clock })
    }

    pub fn address(&self) -> String {
        self.running.addr().to_string()
    }

    /// A token of a nurse that is valid from now on for this long.
    pub fn token(&self, lifetime: TimeDelta) -> String {
        self.token_of(Role::Nurse, lifetime)
    }

    /// The same for another role.
    pub fn token_of(&self, role: Role, lifetime: TimeDelta) -> String {
        let now = self.clock.now();
        let claims = Claims::new(Id::new(now), Id::new(now), vec![role], now, lifetime);
        self.issuer.issue(&claims).unwrap()
    }

    /// Sends a request, given as its head without the last empty line, and reads the answer.
    pub async fn send(&self, head: &str) -> Answer {
        self.send_body(head, b"").await
    }

    /// The same with a body; the head must say how long it is.
    pub async fn send_body(&self, head: &str, body: &[u8]) -> Answer {
        let mut client = Client::connect(&self.address()).await;
        client.head(head).await;
        client.write(body).await;
        client.answer().await
    }

    pub async fn get(&self, path: &str) -> Answer {
        get(&self.address(), path).await
    }

    /// The value of one sample, given as it stands in the text form: its name with its labels.
    pub async fn metric(&self, sample: &str) -> Option<f64> {
        let text = self.get("/metrics").await.text();
        text.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok())
    }
}

/// One entry of a table of routes.
pub fn upstream(name: &str, address: &str, resources: &[&str]) -> String {
    format!(
        "[[upstream]]\nname = {name:?}\nurl = \"http://{address}\"\nresources = {resources:?}\nsettings = {{ health = {{ interval_ms = 0 }} }}\n"
    )
}

/// An address on which nobody listens.
pub async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Asks again and again until it holds; what is waited for must come in time.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("in time: {what}"));
}
