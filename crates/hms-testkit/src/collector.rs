//! A collector of traces, as a test needs one: it takes OTLP over HTTP and keeps what it was sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::header::HeaderMap;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use parking_lot::Mutex;
use prost::Message as _;

use crate::until;

/// A span that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedSpan {
    /// `service.name` of who sent it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its kind: `Server`, `Client`, `Producer`, `Consumer` or `Internal`.
    pub kind: String,
    /// The trace, in hexadecimal digits.
    pub trace: String,
    /// Its id.
    pub id: String,
    /// The id of its parent; empty where it has none.
    pub parent: String,
    /// Whether it failed.
    pub failed: bool,
    /// What is known of it.
    pub attributes: BTreeMap<String, String>,
    /// From beginning to end, in nanoseconds since 1970.
    pub time: (u64, u64),
}

/// A collector that runs until it is dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    kept: Arc<Kept>,
    server: ServerHandle,
}

#[derive(Debug, Default)]
struct Kept {
    spans: Mutex<Vec<ReceivedSpan>>,
    headers: Mutex<Option<HeaderMap>>,
}

impl Collector {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let kept = Arc::<Kept>::default();
        let data = web::Data::from(Arc::clone(&kept));
        let app = move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(16 * 1024 * 1024))
                .route("/v1/traces", web::post().to(receive))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, kept, server: handle }
    }

    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT` that leads here.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has arrived so far.
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.kept.spans.lock().clone()
    }

    /// A header of the last request.
    pub fn header(&self, name: &str) -> Option<String> {
        let headers = self.kept.headers.lock();
        headers.as_ref()?.get(name)?.to_str().ok().map(str::to_owned)
    }

    /// Waits for a span of which this is true.
    pub async fn until(&self, what: &str, wanted: impl Fn(&ReceivedSpan) -> bool) -> ReceivedSpan {
        until(what, 60, async || self.spans().into_iter().find(|span| wanted(span))).await
    }

    /// The spans from this one up to the first of its trace, as far as they have arrived.
    pub fn line_of(&self, span: &ReceivedSpan) -> Vec<ReceivedSpan> {
        let spans = self.spans();
        let parent_of = |span: &ReceivedSpan| {
            spans.iter().find(|other| other.trace == span.trace && other.id == span.parent).cloned()
        };
        std::iter::successors(Some(span.clone()), parent_of).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn receive(request: HttpRequest, body: web::Bytes, kept: web::Data<Kept>) -> HttpResponse {
    let kind = request.headers().get(CONTENT_TYPE);
    let Ok(sent) = ExportTraceServiceRequest::decode(body) else {
        return HttpResponse::BadRequest().finish();
    };
    if kind.is_none_or(|kind| kind != "application/x-protobuf") {
        return HttpResponse::UnsupportedMediaType().finish();
    }
    *kept.headers.lock() = Some(request.headers().clone());
    let mut spans = kept.spans.lock();
    for of_resource in sent.resource_spans {
        let resource =
            attributes(&of_resource.resource.map(|resource| resource.attributes).unwrap_or_default());
        let service = resource.get("service.name").cloned().unwrap_or_default();
        for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
            spans.push(ReceivedSpan {
                service: service.clone(),
                kind: format!("{:?}", SpanKind::try_from(span.kind).unwrap()),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                failed: span.status.is_some_and(|status| status.code() == StatusCode::Error),
                attributes: attributes(&span.attributes),
                time: (span.start_time_unix_nano, span.end_time_unix_nano),
                name: span.name,
            });
        }
    }
    HttpResponse::Ok().content_type("application/x-protobuf").finish()
}

fn attributes(given: &[KeyValue]) -> BTreeMap<String, String> {
    given.iter().map(|attribute| (attribute.key.clone(), text(attribute.value.as_ref()))).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
