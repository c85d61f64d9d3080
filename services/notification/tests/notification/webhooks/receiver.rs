//! A receiver of webhooks: a real HTTP server that notes what came, and answers as it is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use ring::hmac;
use serde_json::Value;
use tokio::sync::watch;

/// How it answers.
#[derive(Clone, Copy)]
enum Manner {
    Status(u16),
    Hang,
    /// With this, once it is let go.
    Held(u16),
    /// Each event fails, hangs, is redirected and answered with 500, before it is taken at the fifth time; at the first
    /// address never.
    ByTurns,
}

struct Shared {
    received: Vec<Received>,
    manner: Manner,
    /// After so many more it answers like this.
    turn: Option<(usize, Manner)>,
    open: usize,
    times: HashMap<String, usize>,
    let_go: watch::Sender<bool>,
}

/// What came.
#[derive(Clone)]
pub struct Received {
    headers: HashMap<String, String>,
    pub raw: String,
    pub query: String,
    pub body: Value,
    pub taken: bool,
}

/// The receiver.
pub struct Receiver {
    url: String,
    shared: Arc<Mutex<Shared>>,
}

impl Receiver {
    /// One that answers 200.
    pub async fn start() -> Self {
        let shared = Shared {
            received: Vec::new(),
            manner: Manner::Status(200),
            turn: None,
            open: 0,
            times: HashMap::new(),
            let_go: watch::Sender::new(false),
        };
        let shared = Arc::new(Mutex::new(shared));
        let data = Data::new(shared.clone());
        let app = move || App::new().app_data(data.clone()).default_service(web::to(take));
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/hook", server.addrs()[0]);
        tokio::spawn(server.run());
        Self { url, shared }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn answer(&self, status: u16) {
        self.shared.lock().manner = Manner::Status(status);
    }

    pub fn hang(&self) {
        self.shared.lock().manner = Manner::Hang;
    }

    /// Answers with this status, but not before [`let_go`](Self::let_go).
    pub fn hold(&self, status: u16) {
        self.shared.lock().manner = Manner::Held(status);
    }

    pub fn let_go(&self) {
        self.shared.lock().let_go.send_replace(true);
    }

    /// Answers some as before, and those after them with this status.
    pub fn answer_after(&self, count: usize, status: u16) {
        self.shared.lock().turn = Some((count, Manner::Status(status)));
    }

    /// Answers some as before; then it hangs.
    pub fn hang_after(&self, count: usize) {
        self.shared.lock().turn = Some((count, Manner::Hang));
    }

    pub fn by_turns(&self) {
        self.shared.lock().manner = Manner::ByTurns;
    }

    /// How many requests hang at the moment.
    pub fn open(&self) -> usize {
        self.shared.lock().open
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }
}

impl Received {
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).cloned().unwrap_or_default()
    }

    /// The signature that a secret gives, reckoned anew.
    pub fn signature(&self, secret: &str) -> String {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed =
            format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.raw);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

async fn take(shared: Data<Arc<Mutex<Shared>>>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let headers = request.headers().iter();
    let headers: HashMap<String, String> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let raw = String::from_utf8(body.to_vec()).unwrap();
    let (manner, mut let_go) = {
        let mut shared = shared.lock();
        let query = request.query_string().to_owned();
        let times = shared.times.entry(format!("{query} {}", headers["webhook-id"])).or_default();
        *times += 1;
        let turn = *times;
        shared.turn = match shared.turn {
            Some((0, next)) => {
                shared.manner = next;
                None
            }
            other => other.map(|(left, next)| (left - 1, next)),
        };
        let manner = match shared.manner {
            Manner::ByTurns => match turn {
                1 => Manner::Status(503),
                2 => Manner::Hang,
                3 => Manner::Status(302),
                4 => Manner::Status(500),
                _ if query == "0" => Manner::Status(500),
                _ => Manner::Status(200),
            },
            manner => manner,
        };
        let taken = matches!(manner, Manner::Status(200..=299));
        let body = serde_json::from_str(&raw).unwrap();
        shared.received.push(Received { headers, raw, query, body, taken });
        shared.open += usize::from(matches!(manner, Manner::Hang | Manner::Held(_)));
        (manner, shared.let_go.subscribe())
    };
    match manner {
        Manner::Status(status) => {
            let mut answer = HttpResponse::build(StatusCode::from_u16(status).unwrap());
            if (300..400).contains(&status) {
                answer.insert_header(("location", "http://127.0.0.1:1/inside"));
            }
            answer.finish()
        }
        Manner::Held(status) => {
            let_go.wait_for(|gone| *gone).await.unwrap();
            shared.lock().open -= 1;
            HttpResponse::build(StatusCode::from_u16(status).unwrap()).finish()
        }
        // Longer than the sender waits: the client closes the connection first.
        Manner::Hang | Manner::ByTurns => {
            tokio::time::sleep(Duration::from_secs(10)).await;
            shared.lock().open -= 1;
            HttpResponse::Ok().finish()
        }
    }
}
