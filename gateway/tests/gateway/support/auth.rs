//! An auth service that speaks the contract of the internal routes and nothing else, and gateways that ask it.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use hms_access::{Issuer, KeySource, SigningKey, Verifier};
use hms_gateway::{Auth, Config, Edge, Limits, Proxies, RateLimits, RouteTable, start};
use hms_model::Clock;
use hms_model::id::SessionId;
use hms_settings::Settings;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Gateway, upstream};

/// The token by which the auth service of these tests knows the gateway.
const SERVICE_TOKEN: &str = "the-gateway-s-own-token";

/// The auth service.
pub struct AuthService {
    pub address: String,
    pub state: Arc<State>,
    server: ServerHandle,
}

#[derive(Default)]
pub struct State {
    revoked: Mutex<Vec<(SessionId, i64)>>,
    /// The keys that are good, with the tokens for them.
    keys: Mutex<Vec<(String, String)>>,
    /// How often a key was asked for.
    pub exchanges: AtomicUsize,
    /// The address that the last exchange named.
    pub client_ip: Mutex<Option<Value>>,
    /// Whether it answers 503 to everything.
    pub away: AtomicBool,
}

#[derive(Deserialize)]
struct After {
    after: Option<usize>,
}

impl AuthService {
    pub async fn start() -> Self {
        let state = Arc::new(State::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let data = Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/api/v1/oauth/token", web::post().to(token))
                .route("/internal/revocations", web::get().to(revocations))
                .route("/internal/api-keys/exchange", web::post().to(exchange))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, state, server: handle }
    }

    /// Revokes what tokens name by this id.
    pub fn revoke(&self, sid: SessionId, until: i64) {
        self.state.revoked.lock().push((sid, until));
    }

    /// Knows a key from now on, and gives this token for it.
    pub fn know(&self, key: &str, token: String) {
        self.state.keys.lock().push((key.to_owned(), token));
    }

    /// Gives another token for a key that it knows.
    pub fn replace(&self, key: &str, token: String) {
        self.state.keys.lock().retain(|(known, _)| known != key);
        self.know(key, token);
    }

    pub fn exchanges(&self) -> usize {
        self.state.exchanges.load(Ordering::SeqCst)
    }

    pub fn set_away(&self, away: bool) {
        self.state.away.store(away, Ordering::SeqCst);
    }

    pub async fn stop(&self) {
        self.server.stop(false).await;
    }
}

fn refuse(state: &State, request: &HttpRequest) -> Option<HttpResponse> {
    if state.away.load(Ordering::SeqCst) {
        return Some(HttpResponse::ServiceUnavailable().finish());
    }
    let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let known = given == Some(&format!("Bearer {SERVICE_TOKEN}"));
    (!known).then(|| HttpResponse::Unauthorized().finish())
}

async fn token(state: Data<State>) -> HttpResponse {
    match state.away.load(Ordering::SeqCst) {
        true => HttpResponse::ServiceUnavailable().finish(),
        false => HttpResponse::Ok()
            .json(json!({"access_token": SERVICE_TOKEN, "token_type": "Bearer", "expires_in": 300})),
    }
}

/// Two entries at a time, so that the list has parts.
async fn revocations(state: Data<State>, request: HttpRequest, after: Query<After>) -> HttpResponse {
    if let Some(refusal) = refuse(&state, &request) {
        return refusal;
    }
    let all = state.revoked.lock().clone();
    let from = after.after.unwrap_or(0).min(all.len());
    let part: Vec<_> = all.iter().skip(from).take(2).collect();
    let position = from + part.len();
    let revoked: Vec<_> = part.iter().map(|(sid, until)| json!({"sid": sid, "until": until})).collect();
    HttpResponse::Ok()
        .json(json!({"position": position, "revoked": revoked, "complete": position == all.len()}))
}

async fn exchange(state: Data<State>, request: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    if let Some(refusal) = refuse(&state, &request) {
        return refusal;
    }
    state.exchanges.fetch_add(1, Ordering::SeqCst);
    *state.client_ip.lock() = Some(body["client_ip"].clone());
    let key = body["key"].as_str().unwrap();
    let token = state.keys.lock().iter().find(|(known, _)| known == key).map(|(_, token)| token.clone());
    match token {
        Some(token) => HttpResponse::Ok().json(json!({"access": token, "expires_in": 300})),
        None => HttpResponse::Unauthorized().json(json!({"error": {"code": "UNAUTHENTICATED"}})),
    }
}

/// What a gateway of these tests is made of; `before` starts it.
pub struct Made {
    pub issuer: Issuer,
    pub clock: Clock,
    auth: Option<Auth>,
    rate_limits: RateLimits,
    /// The keys of another gateway's issuer, where it trusts those.
    jwks: Option<hms_access::JwkSet>,
}

impl Made {
    /// A gateway without limits and without an auth service, whose clock is moved by hand.
    pub fn new() -> Self {
        let clock = Clock::by_hand(Clock::system().now());
        let issuer = Issuer::new(SigningKey::generate().unwrap()).unwrap();
        Self { issuer, clock, auth: None, rate_limits: RateLimits::off(), jwks: None }
    }

    /// One that takes the tokens of another.
    pub fn trusting(mut self, other: &Gateway) -> Self {
        self.jwks = Some(other.issuer.jwks());
        self
    }

    pub fn asking(mut self, auth: &AuthService) -> Self {
        let url = format!("http://{}", auth.address);
        let settings = Settings::from_pairs([("AUTH_URL", &url), ("HMS_CLIENT_SECRET", "secret")]);
        self.auth = Some(Auth::from_settings(&settings, self.clock.clone()).unwrap());
        self
    }

    /// With these settings of the limits.
    pub fn limited<const N: usize>(mut self, settings: [(&str, &str); N]) -> Self {
        self.rate_limits = RateLimits::from_settings(&Settings::from_pairs(settings)).unwrap();
        self
    }

    /// Starts it before a service. Its clients come through a proxy that is trusted.
    pub async fn before(self, address: &str) -> Gateway {
        let routes = upstream("user", address, &["patients", "auth"]);
        let proxies = Proxies::networks("127.0.0.1").unwrap();
        let jwks = self.jwks.unwrap_or_else(|| self.issuer.jwks());
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            routes: RouteTable::parse(&routes).unwrap().into(),
            verifier: Verifier::new(KeySource::Set(jwks), self.clock.clone()).unwrap(),
            auth: self.auth,
            rate_limits: self.rate_limits,
            limits: Limits::default(),
            edge: Edge {
                proxies: Proxies::new(proxies, hms_gateway::ForwardedHeader::default()),
                ..Edge::default()
            },
            workers: 2,
            clock: self.clock.clone(),
        };
        Gateway { running: start(config).await.unwrap(), issuer: self.issuer, clock: self.clock }
    }
}
