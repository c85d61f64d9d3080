//! An API in the test's own process: as much of HMS as an import sees of it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Json, Path};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::stream;
use hms::import::synthea::Options;
use hms::import::{Credentials, Patience};
use hms_model::Secret;
use serde_json::{Value, json};

pub const USERNAME: &str = "admin@hms.local";
pub const PASSWORD: &str = "open sesame";

/// What goes wrong with one POST.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This answer, and nothing is made. Busy answers ask for a wait of 0 s.
    Answer(u16, &'static str, Value),
    /// The record is made, and the connection breaks before the answer is through.
    LoseAnswer,
    /// All access tokens run out before the request is looked at.
    ExpireAccess,
    /// All tokens run out.
    ExpireAll,
}

#[derive(Default)]
struct State {
    records: HashMap<String, Vec<Value>>,
    answers: HashMap<String, (Value, Value)>,
    faults: HashMap<String, VecDeque<Fault>>,
    access: HashSet<String>,
    refresh: HashSet<String>,
    issued: usize,
    logins: usize,
    refreshes: usize,
}

/// The API and what is in it.
pub struct Api {
    state: Arc<Mutex<State>>,
    pub url: String,
}

impl Api {
    /// Starts one that is empty.
    pub fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let data = Data::from(Arc::clone(&state));
        let app = move || {
            App::new()
                .app_data(data.clone())
                .route("/health", web::get().to(HttpResponse::Ok))
                .route("/api/v1/auth/login", web::post().to(login))
                .route("/api/v1/auth/refresh", web::post().to(refresh))
                // This account may not make keys: it imports as the person it is.
                .route(
                    "/api/v1/api-keys",
                    web::post().to(|| async { error(403, "FORBIDDEN", json!({})) }),
                )
                .route("/api/v1/{resource}", web::post().to(create))
                .route("/api/v1/{resource:billing/[a-z]+}", web::post().to(create))
                .route("/api/v1/{resource}/{id}", web::get().to(read))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { state, url }
    }

    /// The next POSTs on a resource go wrong like this, in this order.
    pub fn fail(&self, resource: &str, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.entry(resource.into()).or_default().extend(faults);
    }

    /// Forgets the answers to idempotency keys, as HMS does after a day.
    pub fn forget_keys(&self) {
        self.state.lock().unwrap().answers.clear();
    }

    /// Everything of a resource.
    pub fn records(&self, resource: &str) -> Vec<Value> {
        self.state.lock().unwrap().records.get(resource).cloned().unwrap_or_default()
    }

    /// Everything there is.
    pub fn everything(&self) -> HashMap<String, Vec<Value>> {
        self.state.lock().unwrap().records.clone()
    }

    /// How often someone signed in, and how often a token was refreshed.
    pub fn sign_ins(&self) -> (usize, usize) {
        let state = self.state.lock().unwrap();
        (state.logins, state.refreshes)
    }

    /// Options of an import into this API that waits no longer than a test may.
    pub fn options(&self, dir: &str) -> Options {
        let credentials = Credentials { username: USERNAME.into(), password: Secret::new(PASSWORD) };
        let mut options = Options::new(data(dir), &self.url, credentials);
        options.patience = Patience {
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(20),
            busy: Duration::from_millis(500),
            limited: Duration::from_millis(500),
            tell_limited: |_| {},
            settling: Duration::from_millis(500),
        };
        options
    }
}

/// A folder of test data.
pub fn data(dir: &str) -> String {
    format!("{}/tests/data/{dir}", env!("CARGO_MANIFEST_DIR"))
}

fn error(status: u16, code: &str, details: Value) -> HttpResponse {
    let mut answer = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    if matches!(status, 429 | 503) {
        answer.insert_header(("Retry-After", "0"));
    }
    answer.json(json!({
        "error": { "code": code, "message": "As the test wants it.", "details": details },
        "request_id": "r-1",
    }))
}

async fn login(state: Data<Mutex<State>>, Json(body): Json<Value>) -> HttpResponse {
    if body != json!({ "username": USERNAME, "password": PASSWORD }) {
        return error(401, "INVALID_CREDENTIALS", json!({}));
    }
    let mut state = state.lock().unwrap();
    state.logins += 1;
    issue(&mut state)
}

async fn refresh(state: Data<Mutex<State>>, Json(body): Json<Value>) -> HttpResponse {
    let mut state = state.lock().unwrap();
    if !state.refresh.remove(body["refresh"].as_str().unwrap()) {
        return error(401, "TOKEN_EXPIRED", json!({}));
    }
    state.refreshes += 1;
    issue(&mut state)
}

fn issue(state: &mut State) -> HttpResponse {
    state.issued += 1;
    let (access, refresh) = (format!("access-{}", state.issued), format!("refresh-{}", state.issued));
    state.access.insert(access.clone());
    state.refresh.insert(refresh.clone());
    let body = json!({ "access": access, "refresh": refresh, "token_type": "Bearer", "expires_in": 900 });
    HttpResponse::Ok().json(body)
}

fn is_signed_in(state: &State, request: &HttpRequest) -> bool {
    let header = request.headers().get("Authorization").and_then(|value| value.to_str().ok());
    header.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|token| state.access.contains(token))
}

async fn read(state: Data<Mutex<State>>, path: Path<(String, String)>, request: HttpRequest) -> HttpResponse {
    let state = state.lock().unwrap();
    if !is_signed_in(&state, &request) {
        return error(401, "UNAUTHENTICATED", json!({}));
    }
    let (resource, id) = path.into_inner();
    match find(&state, &resource, |record| record["id"] == id.as_str()) {
        Some(record) => HttpResponse::Ok().json(record),
        None => error(404, "NOT_FOUND", json!({})),
    }
}

async fn create(
    state: Data<Mutex<State>>,
    resource: Path<String>,
    request: HttpRequest,
    Json(body): Json<Value>,
) -> HttpResponse {
    let mut state = state.lock().unwrap();
    let fault = state.faults.get_mut(resource.as_str()).and_then(VecDeque::pop_front);
    match &fault {
        Some(Fault::ExpireAll) => {
            state.access.clear();
            state.refresh.clear();
        }
        Some(Fault::ExpireAccess) => state.access.clear(),
        Some(Fault::Answer(status, code, details)) => return error(*status, code, details.clone()),
        Some(Fault::LoseAnswer) | None => {}
    }
    if !is_signed_in(&state, &request) {
        return error(401, "UNAUTHENTICATED", json!({}));
    }
    let key = request.headers().get("Idempotency-Key").unwrap().to_str().unwrap();
    let answer = make(&mut state, &resource, key, body);
    if matches!(fault, Some(Fault::LoseAnswer)) {
        let broken = stream::iter([Ok(Bytes::from("{")), Err(std::io::Error::other("lost"))]);
        return HttpResponse::Created().streaming(broken);
    }
    answer
}

fn make(state: &mut State, resource: &str, key: &str, body: Value) -> HttpResponse {
    if let Some((first, answer)) = state.answers.get(key) {
        assert_eq!(first, &body, "a key stands for one request");
        return HttpResponse::Created().insert_header(("Idempotent-Replayed", "true")).json(answer);
    }
    for (field, of) in [
        ("department_id", "departments"),
        ("practitioner_id", "practitioners"),
        ("patient_id", "patients"),
        ("payer_id", "billing/payers"),
    ] {
        let named = body.get(field);
        if named.is_some_and(|id| find(state, of, |record| &record["id"] == id).is_none()) {
            return error(422, "UNKNOWN_REFERENCE", json!({ "field": field }));
        }
    }
    let same = match body["identifiers"].as_array() {
        Some(ours) => find(state, resource, |record| {
            record["identifiers"].as_array().unwrap().iter().any(|identifier| ours.contains(identifier))
        }),
        None => find(state, resource, |record| record["reference"] == body["reference"]),
    };
    if let Some(same) = same {
        return error(409, "DUPLICATE", json!({ "id": same["id"] }));
    }
    let records = state.records.entry(resource.into()).or_default();
    let mut record = body.clone();
    record["id"] = json!(format!("{resource}-{}", records.len() + 1));
    records.push(record.clone());
    state.answers.insert(key.into(), (body, record.clone()));
    HttpResponse::Created().json(record)
}

fn find<'s>(state: &'s State, resource: &str, is: impl Fn(&Value) -> bool) -> Option<&'s Value> {
    state.records.get(resource)?.iter().find(|record| is(record))
}
