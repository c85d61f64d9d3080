//! Active health checks: each endpoint is asked from time to time, so that one that is down is known before a
//! client meets it, and one that is back is used again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use http::header::{CONNECTION, HOST, HeaderValue};
use http::{Request, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::settings::Health;
use super::{Endpoint, Upstream, clock};
use crate::table::Routes;

/// How soon after a change of the table its new endpoints are asked, at most.
const LONGEST_REST: Duration = Duration::from_secs(1);
const SHORTEST_REST: Duration = Duration::from_millis(20);

/// Asks the endpoints of the table in force, each at its own interval, until it is told to stop.
pub async fn watch(routes: Arc<Routes>, stop: CancellationToken) {
    let asking = async {
        loop {
            let rest = ask_those_due(&routes);
            sleep(rest.clamp(SHORTEST_REST, LONGEST_REST)).await;
        }
    };
    stop.run_until_cancelled(asking).await;
}

/// Asks every endpoint whose time has come; how long it is until the next one's.
fn ask_those_due(routes: &Routes) -> Duration {
    let (now, mut rest) = (clock::now(), u64::MAX);
    for upstream in routes.load().upstreams() {
        let health = &upstream.settings().health;
        if health.interval_ms == 0 {
            continue;
        }
        for endpoint in upstream.endpoints() {
            // The next question does not come before the answer to this one must have.
            let interval = health.interval_ms.max(health.timeout_ms);
            // A little of chance, so that several gateways do not ask in step.
            let jitter = fastrand::u64(0..=health.interval_ms / 10);
            if endpoint.seen.is_due(now, interval.saturating_add(jitter)) {
                tokio::spawn(examine(Arc::clone(upstream), Arc::clone(endpoint)));
            }
            rest = rest.min(endpoint.seen.due().saturating_sub(now));
        }
    }
    Duration::from_millis(rest)
}

async fn examine(upstream: Arc<Upstream>, endpoint: Arc<Endpoint>) {
    let health = &upstream.settings().health;
    let asked = timeout(Duration::from_millis(health.timeout_ms), ask(&endpoint, health)).await;
    let good = asked.ok().flatten().unwrap_or(false);
    let examined = endpoint.seen.examined(health, good);
    if examined.recovers {
        // It was probably started again: there is no reason to wait for the end of the time.
        upstream.hint_at_recovery();
    }
    if examined.changes {
        let (upstream, endpoint) = (upstream.name(), &*endpoint.address);
        match good {
            true => tracing::info!(upstream, endpoint, "endpoint is healthy again"),
            false => tracing::warn!(upstream, endpoint, "endpoint is not healthy"),
        }
    }
}

/// Whether the endpoint gives a good answer; nothing if it gives none.
async fn ask(endpoint: &Endpoint, health: &Health) -> Option<bool> {
    let stream = TcpStream::connect(&*endpoint.address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = health.path.parse::<Uri>().ok()?;
    request.headers_mut().insert(HOST, endpoint.host.clone());
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let answer = async {
        let response = sender.send_request(request).await;
        // Without it the connection has nothing more to do, and ends.
        drop(sender);
        response.ok().map(|response| response.status().is_success())
    };
    join(answer, connection).await.0
}
