//! Record: one line in the log and one observation in the metrics for each request, when the last byte of its
//! answer is gone. Neither holds anything of a person: a template instead of the path, no token, no address.

use std::pin::Pin;
use std::task::{Context as Task, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceResponse;
use bytes::Bytes;
use hms_telemetry::Metrics;

use super::answer::AnswerBody;
use crate::context::Context;

/// The route of a request that met none.
const NO_ROUTE: &str = "none";
/// The status of a request whose client went away before it was answered (nginx's word for it).
const CLIENT_GONE: u16 = 499;

/// A body that is watched to its end.
pub struct Recorded {
    body: AnswerBody,
    recorder: Recorder,
}

/// Writes the record of a request when it is dropped, whatever became of the request.
pub struct Recorder {
    /// The context of the request.
    pub context: Context,
    metrics: Metrics,
    status: u16,
    bytes: u64,
}

impl Recorder {
    /// The recorder of a request that has just come.
    pub fn new(context: Context, metrics: &Metrics) -> Self {
        Self { context, metrics: metrics.clone(), status: CLIENT_GONE, bytes: 0 }
    }

    /// Watches the answer: the record is written when its body has been sent, or given up.
    pub fn watch(mut self, response: ServiceResponse<AnswerBody>) -> ServiceResponse<Recorded> {
        self.status = response.status().as_u16();
        response.map_body(|_, body| Recorded { body, recorder: self })
    }
}

impl MessageBody for Recorded {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let next = match &mut this.body {
            AnswerBody::Own(body) => Pin::new(body).poll_next(task),
            AnswerBody::Passed(body) => Pin::new(body).poll_next(task).map_err(Into::into),
        };
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            this.recorder.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        }
        next
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let Self { context, metrics, status, bytes } = self;
        let (status, elapsed) = (*status, context.started.elapsed());
        let route = context.template.as_deref().unwrap_or(NO_ROUTE);
        let method = known_method(context.method.as_str());
        metrics.observe_http(method, route, status, elapsed.as_secs_f64());
        tracing::info!(
            target: "hms_gateway::access",
            method,
            route,
            status,
            ms = elapsed.as_secs_f64() * 1000.0,
            bytes,
            upstream = context.upstream.as_deref().map(crate::Upstream::name),
            signed_in = context.caller.is_some(),
            request_id = context.request_id,
            "request"
        );
    }
}

/// A client can make methods up; a label must stay a closed set.
fn known_method(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
        _ => "other",
    }
}
