//! The tracer of one service.

use std::borrow::Cow;

use hms_settings::{SettingError, Settings};
use opentelemetry::trace::{SpanKind, TraceContextExt, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::export::{Numbers, Queue, ROOM};
use crate::settings::{Collector, Sampling, resource};
use crate::{Span, parent, span};

/// The tracer of one service; clones are the same. The default one is off.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    /// A context that knows the tracer, and no span yet.
    root: Context,
    tracer: SdkTracer,
    queue: Queue,
}

impl Tracer {
    /// The tracer of a service, inside a tokio runtime; off where no endpoint is set. `OTEL_SERVICE_NAME` is
    /// `hms-<service>` by default.
    pub fn start(settings: &Settings, service: &str) -> Result<Self, SettingError> {
        Self::with_room(settings, service, ROOM)
    }

    /// The same where only so many spans may wait.
    pub fn with_room(settings: &Settings, service: &str, room: usize) -> Result<Self, SettingError> {
        let sampling = Sampling::from_settings(settings)?;
        let Some(collector) = Collector::from_settings(settings)? else { return Ok(Self(None)) };
        let name = settings.get("OTEL_SERVICE_NAME").unwrap_or_else(|| format!("hms-{service}"));
        let given = resource(settings)?.into_iter().map(|(key, value)| KeyValue::new(key, value));
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.namespace", "hms"),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", format!("{:032x}", fastrand::u128(1..))),
            ])
            .with_attributes(given)
            .with_service_name(name)
            .build();
        let queue = Queue::start(collector, &resource, room);
        let queue = queue.map_err(|error| SettingError::new("OTEL_EXPORTER_OTLP_ENDPOINT", error))?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(sampling.sampler())
            .with_span_processor(queue.clone())
            .build();
        let tracer = provider.tracer("hms");
        span::turn_on();
        let root = Context::new().with_value(tracer.clone());
        Ok(Self(Some(Inner { root, tracer, queue })))
    }

    /// Whether there are spans at all.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The first span of this service in a trace: what `traceparent` names is its parent; without one that can be read
    /// a trace begins here.
    pub fn span(
        &self,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        traceparent: Option<&str>,
    ) -> Span {
        let Some(Inner { root, tracer, .. }) = &self.0 else { return Span::default() };
        match traceparent.and_then(parent::read) {
            Some(given) => Span::begin(tracer, &root.with_remote_span_context(given), name, kind),
            None => Span::begin(tracer, root, name, kind),
        }
    }

    /// The same, but nothing where `traceparent` names no span: for work that is of no use as a trace of its own.
    pub fn continued(
        &self,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        traceparent: Option<&str>,
    ) -> Span {
        match traceparent.filter(|given| self.is_on() && parent::read(given).is_some()) {
            Some(given) => self.span(name, kind, Some(given)),
            None => Span::default(),
        }
    }

    /// What became of the spans so far.
    pub fn numbers(&self) -> Numbers {
        self.0.as_ref().map(|inner| inner.queue.numbers()).unwrap_or_default()
    }

    /// Sends what has ended so far, but waits no longer than some seconds.
    pub async fn flush(&self) {
        if let Some(inner) = &self.0 {
            inner.queue.flush().await;
        }
    }
}
