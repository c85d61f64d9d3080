//! One span, and where it is entered.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{FutureExt as _, SpanKind, Status, TraceContextExt, Tracer as _};
use opentelemetry::{Context, ContextGuard, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;

use crate::parent;

/// Whether any tracer of this process is on.
static ON: AtomicBool = AtomicBool::new(false);

pub(crate) fn turn_on() {
    ON.store(true, Ordering::Relaxed);
}

/// What `f` makes of the context that is entered here, if a trace is.
pub(crate) fn present<T>(f: impl FnOnce(&Context) -> T) -> Option<T> {
    if !ON.load(Ordering::Relaxed) {
        return None;
    }
    Context::map_current(|context| context.get::<SdkTracer>().is_some().then(|| f(context)))
}

/// A piece of work within a trace. It ends when it is dropped. Without a tracer it is nothing, and so is all that is
/// done with it.
#[derive(Debug, Default)]
#[must_use = "a span ends when it is dropped"]
pub struct Span(Option<Context>);

/// A span is entered on this thread while this lives.
#[must_use = "the span is left when this is dropped"]
pub struct Entered(Option<ContextGuard>);

/// The trace that is entered where this was made, to be entered on another thread.
#[derive(Debug, Clone, Default)]
pub struct Here(Option<Context>);

impl Span {
    pub(crate) fn begin(
        tracer: &SdkTracer,
        parent: &Context,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
    ) -> Self {
        let span = tracer.span_builder(name).with_kind(kind).start_with_context(tracer, parent);
        Self(Some(parent.with_span(span)))
    }

    /// A part of the span that is entered here; nothing where there is none.
    pub fn child(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Self {
        let span = present(|context| {
            context.get::<SdkTracer>().map(|tracer| Self::begin(tracer, context, name, kind))
        });
        span.flatten().unwrap_or_default()
    }

    /// Whether it will be sent to the collector: what is only worked out for it need not be otherwise.
    pub fn is_recorded(&self) -> bool {
        self.0.as_ref().is_some_and(|context| context.span().is_recording())
    }

    /// Notes something about it. The value must not be of a person.
    pub fn set(&self, key: &'static str, value: impl Into<Value>) {
        if let Some(context) = self.0.as_ref().filter(|context| context.span().is_recording()) {
            context.span().set_attribute(KeyValue::new(key, value));
        }
    }

    /// Gives it the name that is known by now.
    pub fn rename(&self, name: impl Into<Cow<'static, str>>) {
        if let Some(context) = &self.0 {
            context.span().update_name(name);
        }
    }

    /// Notes that it failed, by a code or a kind of failure (`error.type`), never by a text that may quote somebody.
    pub fn fail(&self, kind: impl Into<Cow<'static, str>>) {
        if let Some(context) = &self.0 {
            let kind: Cow<'static, str> = kind.into();
            context.span().set_attribute(KeyValue::new("error.type", kind));
            context.span().set_status(Status::error(""));
        }
    }

    /// `traceparent` for whoever goes on from here.
    pub fn traceparent(&self) -> Option<String> {
        self.0.as_ref().map(|context| parent::header(&parent::of(context)))
    }

    /// Enters it on this thread.
    pub fn enter(&self) -> Entered {
        Entered(self.0.clone().map(Context::attach))
    }

    /// Runs a future within it.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        match &self.0 {
            Some(context) => future.with_context(context.clone()).await,
            None => future.await,
        }
    }
}

impl Drop for Span {
    /// The context may live on in something that was started within the span; the span itself ends here.
    fn drop(&mut self) {
        if let Some(context) = &self.0 {
            context.span().end();
        }
    }
}

impl Here {
    /// Where we are now.
    pub fn now() -> Self {
        Self(present(Context::clone))
    }

    /// Enters it on this thread.
    pub fn enter(self) -> Entered {
        Entered(self.0.map(Context::attach))
    }
}

impl std::fmt::Debug for Entered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entered").field(&self.0.is_some()).finish()
    }
}
