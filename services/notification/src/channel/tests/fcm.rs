//! Push messages to an app, by a provider that asks for what Firebase Cloud Messaging (HTTP v1) asks for, strictly.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::OnceLock;

use actix_web::http::header;
use actix_web::web::{self, Data, Form, Json};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use hms_model::Secret;
use parking_lot::Mutex;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::*;

/// The provider, and what came to it.
struct Provider {
    url: String,
    account: Value,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    assertions: Vec<Value>,
    messages: Vec<Value>,
    /// The tokens that were given and are good.
    good: Vec<String>,
}

struct Shared {
    state: Arc<Mutex<State>>,
    public: Vec<u8>,
}

/// A service account whose key was made by somebody else's program; one is enough for all tests of this process.
fn account() -> &'static Value {
    static ACCOUNT: OnceLock<Value> = OnceLock::new();
    ACCOUNT.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/channels/run.sh");
        let made = Command::new(script).arg("account.py").output().unwrap();
        serde_json::from_slice(&made.stdout).expect("an account")
    })
}

impl Provider {
    fn start() -> Self {
        let hex = account()["public"].as_str().unwrap();
        let octet = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        Self::knowing((0..hex.len()).step_by(2).map(octet).collect())
    }

    /// One that takes this for the public key of the account.
    fn knowing(public: Vec<u8>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let data = Data::new(Shared { state: Arc::clone(&state), public });
        let app = move || {
            App::new()
                .app_data(data.clone())
                .route("/token", web::post().to(token))
                .route("/v1/projects/clinic-7/messages:send", web::post().to(send))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        let mut account = account()["account"].clone();
        account["token_uri"] = json!(format!("{url}/token"));
        Self { url, account, state }
    }

    fn world(&self) -> World {
        World::new(&[("FCM_URL", &self.url), ("HMS_FCM_ACCOUNT", &self.account.to_string())])
    }
}

async fn token(shared: Data<Shared>, form: Form<BTreeMap<String, String>>) -> HttpResponse {
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (text, signature) = form["assertion"].rsplit_once('.').unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &shared.public);
    if key.verify(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).is_err() {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    }
    let [header, claims]: [Value; 2] = text
        .split('.')
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT", "kid": "key-1" }));
    let mut state = shared.state.lock();
    state.assertions.push(claims);
    let token = format!("t0ken-{}", state.assertions.len());
    state.good.push(token.clone());
    HttpResponse::Ok().json(json!({ "access_token": token, "expires_in": 3_599, "token_type": "Bearer" }))
}

async fn send(shared: Data<Shared>, request: HttpRequest, body: Json<Value>) -> HttpResponse {
    let refused = |status: u16, name: &str, code: Option<&str>| {
        let kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
        let details: Vec<Value> =
            code.map(|code| json!({ "@type": kind, "errorCode": code })).into_iter().collect();
        let mut answer = HttpResponse::build(status.try_into().unwrap());
        if status == 429 {
            answer.insert_header((header::RETRY_AFTER, "60"));
        }
        let message = format!("{} is not right", body["message"]["token"]);
        answer.json(
            json!({ "error": { "code": status, "status": name, "message": message, "details": details } }),
        )
    };
    let mut state = shared.state.lock();
    let authorization = request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap());
    let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
    if !token.is_some_and(|token| state.good.iter().any(|good| good == token)) {
        return refused(401, "UNAUTHENTICATED", None);
    }
    match body["message"]["token"].as_str().unwrap() {
        "unregistered" => refused(404, "NOT_FOUND", Some("UNREGISTERED")),
        "elsewhere" => refused(403, "PERMISSION_DENIED", Some("SENDER_ID_MISMATCH")),
        "malformed" => refused(400, "INVALID_ARGUMENT", Some("INVALID_ARGUMENT")),
        "forbidden" => refused(403, "PERMISSION_DENIED", None),
        "busy" => refused(429, "RESOURCE_EXHAUSTED", Some("QUOTA_EXCEEDED")),
        "broken" => refused(500, "INTERNAL", Some("INTERNAL")),
        _ => {
            state.messages.push(body.0);
            HttpResponse::Ok().json(json!({ "name": "projects/clinic-7/messages/7" }))
        }
    }
}

fn device(token: &str) -> PushTarget {
    PushTarget::Fcm { token: Secret::new(token) }
}

#[tokio::test]
async fn an_app_gets_it_with_one_token_for_all() {
    let provider = Provider::start();
    let world = provider.world();
    let ann = device("anns-device");
    let sent = futures_util::future::join_all((0..5).map(|_| world.send(Address::Push(&ann)))).await;
    for receipt in sent {
        assert_eq!(receipt.unwrap().provider_id.as_deref(), Some("projects/clinic-7/messages/7"));
    }
    let now = world.clock.now().timestamp();
    let claims = json!({
        "iss": "hms@clinic-7.iam.gserviceaccount.example",
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": format!("{}/token", provider.url), "iat": now, "exp": now + 1_800,
    });
    assert_eq!(provider.state.lock().assertions, [claims]);
    let message = provider.state.lock().messages[0]["message"].clone();
    assert_eq!(message["token"], "anns-device");
    let shown = json!({ "title": "Appointment — booked", "body": "Tomorrow at nine, Grüße." });
    assert_eq!(message["notification"], shown);
    let id = &message["data"]["id"];
    assert_eq!(
        (&message["android"]["collapse_key"], &message["apns"]["headers"]["apns-collapse-id"]),
        (id, id)
    );
    assert_eq!(message["android"]["priority"], "NORMAL");

    world.clock.advance(TimeDelta::minutes(58));
    world.send(Address::Push(&ann)).await.unwrap();
    assert_eq!(provider.state.lock().assertions.len(), 2, "the first is as good as over");
}

#[tokio::test]
async fn a_refusal_means_what_its_code_says() {
    let provider = Provider::start();
    for (token, expected) in [
        ("unregistered", "gone"),
        ("elsewhere", "gone"),
        ("malformed", "never"),
        ("forbidden", "later"),
        ("busy", "later, as asked"),
        ("broken", "later"),
    ] {
        let target = device(token);
        let outcome = provider.world().send(Address::Push(&target)).await;
        assert_eq!(kind(&outcome), expected, "{token}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_replaced() {
    let provider = Provider::start();
    let world = provider.world();
    let ann = device("anns-device");
    world.send(Address::Push(&ann)).await.unwrap();
    provider.state.lock().good.clear();
    assert_eq!(kind(&world.send(Address::Push(&ann)).await), "later");
    world.send(Address::Push(&ann)).await.unwrap();
    assert_eq!(provider.state.lock().assertions.len(), 2);
}

#[tokio::test]
async fn who_is_not_known_gets_no_token_and_sends_nothing() {
    let provider = Provider::knowing(vec![0; 270]);
    let outcome = provider.world().send(Address::Push(&device("anns-device"))).await;
    assert_eq!(outcome, Err(SendError::later("there is no token for the account: 400")));
    assert!(provider.state.lock().messages.is_empty());
}

#[test]
fn an_account_that_is_none_is_refused_and_not_shown() {
    for broken in ["{\"private_key\": \"s3cret\"}", "s3cret"] {
        let settings = [("FCM_URL", "https://fcm.googleapis.com"), ("HMS_FCM_ACCOUNT", broken)];
        let (settings, folder) = (Settings::from_pairs(settings), Folder::new());
        let lookup: Arc<dyn Lookup> = Arc::new(OfTheMachine);
        let opened = Channels::of(&settings, folder.path(), &Clock::system(), &lookup);
        let error = format!("{:?}", opened.err().unwrap());
        assert!(error.contains("HMS_FCM_ACCOUNT") && !error.contains("s3cret"), "{error}");
    }
}
