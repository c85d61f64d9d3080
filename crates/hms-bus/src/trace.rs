//! The spans of events on their way: one for the handing over, one for the taking. Nothing where no tracer is on.

use std::sync::Arc;

use hms_model::event::Envelope;
use hms_model::id::EventId;
use hms_trace::{Entered, Kind, Span};
use serde::Deserialize;

use crate::context::Context;
use crate::outbox::Row;

/// The header of a message in which the span of its handing over goes along; the envelope keeps that of the change.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// The span of handing an event over; it belongs to the change that the event tells of.
pub(crate) fn handing_over(context: &Context, kind: &str, traceparent: Option<&str>) -> Span {
    let tracer = &context.options.tracer;
    if !tracer.is_on() {
        return Span::default();
    }
    let span = tracer.continued(format!("publish {kind}"), Kind::Producer, traceparent);
    describe(context, &span, kind);
    span
}

/// The spans of handing over rows whose envelopes were not read, in their order; none where no tracer is on.
pub(crate) fn handing_over_rows(context: &Context, rows: &[Row]) -> Vec<Span> {
    #[derive(Deserialize)]
    struct Traced {
        traceparent: Option<String>,
    }
    if !context.options.tracer.is_on() {
        return Vec::new();
    }
    let spans = rows.iter().map(|row| {
        let traced = serde_json::from_str::<Traced>(&row.body).ok();
        let traceparent = traced.and_then(|traced| traced.traceparent);
        handing_over(context, &row.kind, traceparent.as_deref())
    });
    spans.collect()
}

/// The spans of taking some events together; each belongs to the handing over of its own event.
#[derive(Default)]
pub(crate) struct Taking(Vec<(EventId, Span)>);

impl Taking {
    pub fn begin(context: &Context, envelopes: &[Arc<Envelope>]) -> Self {
        let tracer = &context.options.tracer;
        if !tracer.is_on() {
            return Self::default();
        }
        let spans = envelopes.iter().map(|envelope| {
            let name = format!("process {}", envelope.kind);
            let span = tracer.continued(name, Kind::Consumer, envelope.traceparent.as_deref());
            describe(context, &span, &envelope.kind);
            if let Ok(count) = i64::try_from(envelopes.len()) {
                span.set("messaging.batch.message_count", count);
            }
            (envelope.id, span)
        });
        Self(spans.collect())
    }

    /// Runs what is done for all of them together, as a part of the first one's trace.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        match self.0.first() {
            Some((_, first)) => first.run(future).await,
            None => future.await,
        }
    }

    /// Enters the span of one.
    pub fn enter(&self, id: EventId) -> Option<Entered> {
        self.0.iter().find(|(of, _)| *of == id).map(|(_, span)| span.enter())
    }

    /// `traceparent` of what follows from one.
    pub fn traceparent(&self, id: EventId) -> Option<String> {
        self.0.iter().find(|(of, _)| *of == id)?.1.traceparent()
    }

    /// Notes that none of them was taken.
    pub fn fail(&self) {
        self.0.iter().for_each(|(_, span)| span.fail("not taken"));
    }
}

fn describe(context: &Context, span: &Span, kind: &str) {
    span.set("messaging.system", context.system);
    span.set("messaging.destination.name", kind.to_owned());
}
