//! A service on actix, as ours are, that answers with what it got.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// The size of the large answer.
pub const LARGE: usize = 20 * 1024 * 1024;

pub struct Echo {
    pub address: String,
    pub state: Arc<State>,
    server: ServerHandle,
}

pub struct State {
    /// Requests so far, to any path of the API.
    pub requests: AtomicUsize,
    /// Connections so far.
    pub connections: AtomicUsize,
    /// Lets one request that waits go on.
    pub release: Semaphore,
    /// What `/openapi.json` shows.
    document: Value,
}

impl Echo {
    pub async fn start() -> Self {
        Self::with_document(json!({"openapi": "3.1.0", "paths": {}})).await
    }

    pub async fn with_document(document: Value) -> Self {
        Self::at("127.0.0.1:0", document).await
    }

    /// The same at an address, such as that of one that has left.
    pub async fn again(address: &str) -> Self {
        Self::at(address, json!({"openapi": "3.1.0", "paths": {}})).await
    }

    async fn at(address: &str, document: Value) -> Self {
        let state = Arc::new(State {
            requests: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            release: Semaphore::new(0),
            document,
        });
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (data, counted) = (Data::from(Arc::clone(&state)), Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(4 * 1024 * 1024))
                .route("/health", web::get().to(|| async { web::Json(json!({"status": "healthy"})) }))
                .route(
                    "/openapi.json",
                    web::get().to(|state: Data<State>| async move { web::Json(state.document.clone()) }),
                )
                .route("/api/v1/patients/large", web::get().to(large))
                .route("/api/v1/patients/parts", web::get().to(parts))
                .route("/api/v1/patients/wait", web::to(wait))
                .route("/api/v1/patients/unread", web::post().to(unread))
                .route(
                    "/api/v1/patients/unchanged",
                    web::get().to(|| async {
                        HttpResponse::NotModified().insert_header(("etag", "\"1\"")).finish()
                    }),
                )
                .route(
                    "/api/v1/patients/gone",
                    web::delete().to(|| async { HttpResponse::NoContent().finish() }),
                )
                .route("/api/v1/auth/login", web::to(login))
                .default_service(web::to(echo))
        })
        .on_connect(move |_, _| {
            counted.connections.fetch_add(1, Ordering::SeqCst);
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

    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// Waits until so many requests have come.
    pub async fn until_requests(&self, count: usize) {
        let begun = std::time::Instant::now();
        while self.requests() < count {
            assert!(begun.elapsed() < super::PATIENCE, "{} of {count} requests came", self.requests());
            tokio::time::sleep(super::PAUSE).await;
        }
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Takes no more connections, answers what it has, and returns then.
    pub async fn leave(&self) {
        self.server.stop(true).await;
    }

    /// Stops it at once, with all its connections.
    pub async fn stop(&self) {
        self.server.stop(false).await;
    }
}

async fn echo(request: HttpRequest, body: Bytes, state: Data<State>) -> HttpResponse {
    state.requests.fetch_add(1, Ordering::SeqCst);
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in request.headers() {
        headers
            .entry(name.to_string())
            .or_default()
            .push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    HttpResponse::Ok().insert_header(("etag", "\"7\"")).json(json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": request.query_string(),
        "headers": headers,
        "length": body.len(),
    }))
}

async fn large() -> HttpResponse {
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let chunks = stream::iter((0..LARGE / chunk.len()).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    HttpResponse::Ok().streaming(chunks)
}

/// Its second part is sent once the test has seen the first.
async fn parts(state: Data<State>) -> HttpResponse {
    let second = stream::once(async move {
        state.release.acquire().await.unwrap().forget();
        Ok::<_, std::io::Error>(Bytes::from_static(b"second"))
    });
    HttpResponse::Ok().streaming(stream::iter([Ok(Bytes::from_static(b"first"))]).chain(second))
}

async fn wait(state: Data<State>) -> HttpResponse {
    state.requests.fetch_add(1, Ordering::SeqCst);
    state.release.acquire().await.unwrap().forget();
    HttpResponse::Ok().body("waited")
}

/// Answers 401 to whoever says that the password is wrong.
async fn login(request: HttpRequest) -> HttpResponse {
    match request.headers().contains_key("x-wrong") {
        true => HttpResponse::Unauthorized().finish(),
        false => HttpResponse::Ok().finish(),
    }
}

/// Answers without having looked at the body.
async fn unread() -> HttpResponse {
    HttpResponse::Forbidden().body("no")
}
