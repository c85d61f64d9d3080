//! The API document of the whole platform: what the services that are up say of themselves, merged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::web::Data;
use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::Mutex;

use super::json;
use super::merge::{Part, merge};
use crate::server::Gateway;
use crate::{RouteTable, Upstream};

/// For how long a merged document is shown before the services are asked again.
const FRESH: Duration = Duration::from_secs(5);

/// The last merged document, and when it was made.
#[derive(Default)]
pub struct Schema(Mutex<Option<(Instant, Bytes)>>);

/// The merged OpenAPI 3.1 document.
pub async fn show(gateway: Data<Gateway>) -> HttpResponse {
    // Held while the services are asked, so that a crowd asks them once.
    let mut last = gateway.shared.schema.0.lock().await;
    if let Some((made, document)) = &*last
        && made.elapsed() < FRESH
    {
        return json(document.clone());
    }
    let table = gateway.shared.routes.load_full();
    let asked = table.upstreams().map(|upstream| ask(&gateway, &table, upstream));
    let answers = join_all(asked).await;
    let document = Bytes::from(merge(answers.into_iter().flatten().collect()).to_string());
    *last = Some((Instant::now(), document.clone()));
    json(document)
}

async fn ask(gateway: &Gateway, table: &RouteTable, upstream: &Arc<Upstream>) -> Option<Part> {
    let answer = gateway.pool.get(upstream, "/openapi.json", gateway.shared.limits.probe).await;
    let (status, body) = answer.ok()?;
    let mut document: Value = status.is_success().then(|| serde_json::from_slice(&body).ok()).flatten()?;
    keep_routed(table, upstream, document.get_mut("paths")?);
    Some(Part { service: upstream.name().to_owned(), document })
}

/// Drops the paths that the gateway does not pass on to this service, such as its own health.
fn keep_routed(routes: &RouteTable, upstream: &Arc<Upstream>, paths: &mut Value) {
    let routed = |path: &str| {
        let found = path.strip_prefix("/api/v1/").and_then(|rest| routes.find(rest));
        found.is_some_and(|found| Arc::ptr_eq(&found.upstream, upstream))
    };
    if let Some(paths) = paths.as_object_mut() {
        paths.retain(|path, _| routed(path));
    }
}
