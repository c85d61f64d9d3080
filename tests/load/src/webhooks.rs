//! How fast deliveries reach a receiver on this machine, beside a bare loop that signs and posts the same.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use ring::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What goes out at the same time: as many as the service sends to one webhook.
const AT_ONCE: u64 = 16;
/// How long to wait for all of them.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(5);

/// What came of it.
#[derive(Debug)]
pub struct Report {
    deliveries_per_s: f64,
    bare_per_s: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deliveries_per_s, bare_per_s } = self;
        let ratio = deliveries_per_s / bare_per_s;
        write!(f, "deliveries_per_s={deliveries_per_s:.0} bare_per_s={bare_per_s:.0} ratio={ratio:.2}")
    }
}

/// A receiver in a thread of its own, which answers as it is told and counts what it has taken.
#[derive(Default)]
struct Receiver {
    status: AtomicU16,
    taken: AtomicU64,
}

/// Lets a platform send so many events; its webhooks must be allowed to lead to http and to this machine.
pub async fn measure(gateway: SocketAddr, token: HeaderValue, count: u32) -> anyhow::Result<Report> {
    let receiver = Arc::new(Receiver::default());
    let url = format!("http://{}/hook", start(Arc::clone(&receiver))?);
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
    let bare_per_s = bare(&http, &url, &receiver, count).await?;
    let platform = Platform { http, hooks: format!("http://{gateway}/api/v1/webhooks"), token };
    let deliveries_per_s = platform.send(&url, &receiver, count).await?;
    Ok(Report { deliveries_per_s, bare_per_s })
}

struct Platform {
    http: reqwest::Client,
    hooks: String,
    token: HeaderValue,
}

impl Platform {
    /// Has all events wait, as those do of a webhook that was switched off, and lets them go at once.
    async fn send(&self, url: &str, receiver: &Receiver, count: u32) -> anyhow::Result<f64> {
        let made = self.call("POST", "", &json!({ "url": url, "events": ["patient.created"] })).await?;
        let id = made.get("id").and_then(Value::as_str).context("the webhook has no id")?.to_owned();
        receiver.status.store(503, Ordering::SeqCst);
        for _ in 1..count {
            self.call("POST", &format!("/{id}/test"), &Value::Null).await?;
        }
        receiver.status.store(410, Ordering::SeqCst);
        self.call("POST", &format!("/{id}/test"), &Value::Null).await?;
        let deadline = Instant::now() + PATIENCE;
        while self.call("GET", &format!("/{id}"), &Value::Null).await?.get("enabled")
            != Some(&Value::Bool(false))
        {
            ensure!(Instant::now() < deadline, "the webhook was not switched off");
            tokio::time::sleep(PAUSE).await;
        }
        receiver.status.store(200, Ordering::SeqCst);
        receiver.taken.store(0, Ordering::SeqCst);
        self.call("PATCH", &format!("/{id}"), &json!({ "enabled": true })).await?;
        let begun = Instant::now();
        self.call("POST", &format!("/{id}/redeliver?since=2000-01-01T00:00:00Z"), &Value::Null).await?;
        while receiver.taken.load(Ordering::SeqCst) < u64::from(count) {
            ensure!(begun.elapsed() < PATIENCE, "not all deliveries have arrived");
            tokio::time::sleep(PAUSE).await;
        }
        let per_s = f64::from(count) / begun.elapsed().as_secs_f64();
        self.call("DELETE", &format!("/{id}"), &Value::Null).await?;
        Ok(per_s)
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let method = reqwest::Method::from_bytes(method.as_bytes())?;
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.hooks));
        request = request.header(AUTHORIZATION, self.token.clone());
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{method} webhooks{path} was answered with {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

/// Signs and posts, and does nothing else.
async fn bare(http: &reqwest::Client, url: &str, receiver: &Receiver, count: u32) -> anyhow::Result<f64> {
    receiver.status.store(200, Ordering::SeqCst);
    receiver.taken.store(0, Ordering::SeqCst);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
    let body = json!({ "type": "webhook.test", "timestamp": "2026-01-01T00:00:00.000000Z",
        "data": { "webhook_id": "0197a3c2-5b1e-7c4d-9f00-3b2a1c0d4e5f" } });
    let body = body.to_string();
    let begun = Instant::now();
    let worker = async || {
        for number in 0..u64::from(count) / AT_ONCE {
            let tag = hmac::sign(&key, format!("{number}.1772438400.{body}").as_bytes());
            let request = http.post(url).header("content-type", "application/json");
            let request = request.header("webhook-id", number).header("webhook-timestamp", "1772438400");
            let signature = format!("v1,{}", STANDARD.encode(tag));
            request.header("webhook-signature", signature).body(body.clone()).send().await?.bytes().await?;
        }
        Ok::<_, reqwest::Error>(())
    };
    futures_util::future::try_join_all((0..AT_ONCE).map(|_| worker())).await?;
    let taken = receiver.taken.load(Ordering::SeqCst);
    Ok(f64::from(u32::try_from(taken)?) / begun.elapsed().as_secs_f64())
}

fn start(receiver: Arc<Receiver>) -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&receiver)));
            }
        });
    });
    Ok(address)
}

/// Answers each request of a connection; ends when the other side does.
async fn serve(mut stream: TcpStream, receiver: Arc<Receiver>) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        while request_length(&buffer).is_none_or(|length| buffer.len() < length) {
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        }
        buffer.drain(..request_length(&buffer)?);
        let status = receiver.status.load(Ordering::SeqCst);
        let answer = format!("HTTP/1.1 {status} X\r\nretry-after: 86400\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.ok()?;
        if status == 200 {
            receiver.taken.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// How long the first request is, once its head is there.
fn request_length(buffer: &[u8]) -> Option<usize> {
    let end = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(buffer.get(..end)?).ok()?.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some(end + length.map_or(Some(0), |length| length.trim().parse().ok())?)
}
