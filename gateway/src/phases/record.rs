//! Record: one line in the log and one observation in the metrics for each request, when the last byte of its
//! answer is gone. Neither holds anything of a person: a template instead of the path, no token, no address.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Task, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::Version;
use actix_web::web::Data;
use bytes::Bytes;
use hms_telemetry::known_method;

use super::answer::AnswerBody;
use crate::access_log::{Entry, Writer, truncated};
use crate::connections::Writing;
use crate::context::Context;
use crate::meter::{Answered, NO_ROUTE};
use crate::server::Gateway;
use crate::trace;

/// The status of a request whose client went away before it was answered (nginx's word for it).
const CLIENT_GONE: u16 = 499;

/// A body that is watched to its end.
pub struct Recorded {
    body: AnswerBody,
    recorder: Recorder,
    writing: Option<Rc<Writing>>,
}

/// Writes the record of a request when it is dropped, whatever became of the request.
pub struct Recorder {
    /// The context of the request.
    pub context: Context,
    gateway: Data<Gateway>,
    status: u16,
    sent: u64,
}

impl Recorder {
    /// The recorder of a request that has just come.
    pub fn new(context: Context, gateway: Data<Gateway>) -> Self {
        gateway.meter.begin();
        if let Some(connection) = &context.connection {
            connection.begin();
        }
        Self { context, gateway, status: CLIENT_GONE, sent: 0 }
    }

    /// Watches the answer: the record is written when its body has been sent, or given up.
    pub fn watch(mut self, response: HttpResponse<AnswerBody>) -> HttpResponse<Recorded> {
        self.status = response.status().as_u16();
        // With HTTP/1.1 the kernel sees it.
        let shares = self.context.version == Version::HTTP_2;
        let connection = self.context.connection.as_ref().filter(|_| shares);
        let writing = connection.map(|connection| connection.watch_answer());
        response.map_body(|_, body| Recorded { body, recorder: self, writing })
    }

    fn log(&self, answered: &Answered<'_>) {
        let Self { context, gateway, .. } = self;
        if matches!(gateway.access_log, Writer::Off) {
            return;
        }
        let shared = &gateway.shared;
        gateway.access_log.write(&Entry {
            at: shared.clock.now(),
            method: answered.method,
            route: answered.route.unwrap_or(NO_ROUTE),
            status: answered.status,
            received: answered.received,
            sent: answered.sent,
            elapsed: answered.elapsed,
            waited: answered.waited,
            upstream: answered.upstream,
            signed_in: context.caller.is_some(),
            request_id: &context.request_id,
            trace_id: context.trace.id(),
            client: shared.edge.log_client.then(|| truncated(context.client)),
        });
    }
}

impl MessageBody for Recorded {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let next = Pin::new(&mut this.body).poll_next(task);
        let handed = if let Poll::Ready(Some(Ok(bytes))) = &next {
            this.recorder.sent += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            true
        } else {
            false
        };
        match &this.writing {
            Some(writing) if handed => writing.handed(),
            Some(writing) => writing.taken(),
            None => {}
        }
        next
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let context = &self.context;
        if let Some(connection) = &context.connection {
            connection.end();
        }
        let answered = Answered {
            method: known_method(context.method.as_str()),
            route: context.template.as_deref(),
            upstream: context.upstream.as_deref().map(crate::Upstream::name),
            waited: context.waited,
            status: self.status,
            elapsed: context.started.elapsed(),
            received: context.received.as_ref().map_or(0, |received| received.get()),
            sent: self.sent,
        };
        self.gateway.meter.end(&answered);
        trace::end(context, &answered);
        self.log(&answered);
    }
}
