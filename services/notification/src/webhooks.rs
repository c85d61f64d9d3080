//! Webhooks: events become deliveries in the transaction that takes them, and a task sends these after it.

mod post;
mod seal;
mod sender;
mod settings;

use std::sync::Arc;

use hms_bus::{ConsumeError, Consumer, Delivery as Taken};
use hms_model::event::PUBLIC;
use hms_model::id::Id;
use hms_service::Context;
use serde_json::Value;
use tokio::sync::Notify;

use crate::domain::webhook::{AddressRules, Delivery, body_of};
use crate::store::webhooks;

pub use seal::{Seal, own_key};
use sender::Sender;
use settings::WebhookSettings;

/// What the handlers need of webhooks.
pub struct Webhooks {
    /// Opens and seals their keys.
    pub seal: Arc<Seal>,
    /// Where they may lead.
    pub rules: AddressRules,
    /// Wakes the task that sends.
    pub wake: Arc<Notify>,
}

impl Webhooks {
    /// Starts the task that sends.
    pub fn start(context: &Context) -> anyhow::Result<Self> {
        let settings = WebhookSettings::read(&context.settings)?;
        let seal = Arc::new(Seal::open(&context.settings, &context.own.data_dir)?);
        let (wake, rules) = (Arc::new(Notify::new()), settings.rules.clone());
        let sender = Sender::new(context.clone(), settings, Arc::clone(&seal), Arc::clone(&wake))?;
        context.tasks.spawn(|stop| sender.run(stop));
        Ok(Self { seal, rules, wake })
    }

    /// Makes a delivery of each public event to each webhook that wants it, beside what else the event causes.
    pub fn follow(&self, consumer: Consumer) -> Consumer {
        let wake = Arc::clone(&self.wake);
        consumer.also(PUBLIC, move |taken| deliver(taken, &wake))
    }
}

fn deliver(taken: &mut Taken<'_>, wake: &Arc<Notify>) -> Result<(), ConsumeError> {
    let event = taken.envelope;
    let hooks = webhooks::wanting(taken.db, &event.kind, id_in(&event.data, "department_id"))?;
    for hook in &hooks {
        let payload = body_of(&event.kind, event.time, &event.data);
        let (id, what) = (Id::new(taken.now), (event.id, event.kind.as_str()));
        let mut delivery = Delivery::new(id, hook.id, what, payload, taken.now);
        delivery.patient_id = id_in(&event.data, "patient_id");
        webhooks::deliveries::add(taken.db, &delivery)?;
    }
    if !hooks.is_empty() {
        taken.keep_trace()?;
        taken.wake_after_commit(wake);
    }
    Ok(())
}

/// An id that stands in the payload under this name.
fn id_in<K>(data: &Value, name: &str) -> Option<Id<K>> {
    data.get(name)?.as_str()?.parse().ok()
}
