//! Spans: what belongs to one trace, from the gateway through services, their databases and the bus to the mail, and
//! their way to a collector (OpenTelemetry, OTLP over HTTP). Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set, and then a
//! span costs the look at one flag.
//!
//! Each service has a [`Tracer`] of its own, with its own `service.name`, also where all of them share a process. A
//! span that begins a service's part is made by the tracer; what follows is its [child](Span::child), wherever it is
//! made, as long as the parent is [entered](Span::enter) or [run](Span::run) around it.
//!
//! A span tells what was done, how long it took and how it ended: by route templates, kinds and codes. Ids, names,
//! values of statements and paths are of persons and stay out.

mod export;
mod parent;
mod settings;
mod span;
mod tracer;

pub use export::Numbers;
pub use opentelemetry::trace::SpanKind as Kind;
pub use settings::Sampling;
pub use span::{Entered, Here, Span};
pub use tracer::Tracer;

/// The `traceparent` of the span that is entered here (W3C Trace Context), for whoever comes next.
pub fn traceparent() -> Option<String> {
    span::present(|context| parent::header(&parent::of(context)))
}

/// The id of the trace that is entered here: 32 hexadecimal digits.
pub fn trace_id() -> Option<String> {
    span::present(|context| parent::of(context).trace_id().to_string())
}
