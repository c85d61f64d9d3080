//! The traces that what is sent belongs to: those in which the events were taken that it follows from.

use std::collections::HashMap;

use hms_model::id::EventId;
use hms_service::Context;
use hms_trace::{Kind, Span, Tracer};

/// The traces of some events.
pub struct Traces {
    tracer: Tracer,
    of: HashMap<EventId, String>,
}

impl Traces {
    /// Looks them up, where anything is traced. Without them messages go out all the same.
    pub async fn of(context: &Context, events: Vec<EventId>) -> Self {
        let tracer = context.tracer.clone();
        let of = match tracer.is_on() && !events.is_empty() {
            true => {
                context.database.read(move |db| hms_bus::traces_of(db, &events)).await.unwrap_or_default()
            }
            false => HashMap::new(),
        };
        Self { tracer, of }
    }

    /// The span of sending what follows from this event.
    pub fn span(&self, name: &'static str, event: EventId) -> Span {
        self.tracer.continued(name, Kind::Client, self.of.get(&event).map(String::as_str))
    }
}
