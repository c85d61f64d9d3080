//! Webhooks: events become deliveries in the transaction that takes them, and a task sends these after it.

mod post;
mod seal;
mod sender;
mod settings;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use hms_bus::{ConsumeError, Consumer, Deliveries as Taken};
use hms_model::event::{Envelope, PUBLIC};
use hms_model::id::{EventId, Id};
use hms_service::Context;
use serde_json::Value;
use tokio::sync::Notify;

use crate::domain::webhook::{AddressRules, Delivery, Hook, body_of};
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
        let sender = Sender::new(context.giving_way(), settings, Arc::clone(&seal), Arc::clone(&wake))?;
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
    let (hooks, now) = (webhooks::on(taken.db)?, taken.now);
    let deliveries: Vec<Delivery> =
        taken.envelopes.iter().flat_map(|event| deliveries(event, &hooks, now)).collect();
    if deliveries.is_empty() {
        return Ok(());
    }
    webhooks::deliveries::add_all(taken.db, &deliveries)?;
    let events: BTreeSet<EventId> = deliveries.iter().map(|delivery| delivery.event_id).collect();
    taken.keep_traces(events)?;
    taken.wake_after_commit(wake);
    Ok(())
}

/// The deliveries of an event to those who want it.
fn deliveries(event: &Envelope, hooks: &[Hook], now: DateTime<Utc>) -> Vec<Delivery> {
    let department = id_in(&event.data, "department_id");
    let wanting = hooks.iter().filter(|hook| hook.wants(&event.kind, department));
    let delivery = |hook: &Hook| {
        let payload = body_of(&event.kind, event.time, &event.data);
        let delivery = Delivery::new(Id::new(now), hook.id, (event.id, event.kind.as_str()), payload, now);
        Delivery { patient_id: id_in(&event.data, "patient_id"), ..delivery }
    };
    wanting.map(delivery).collect()
}

/// An id that stands in the payload under this name.
fn id_in<K>(data: &Value, name: &str) -> Option<Id<K>> {
    data.get(name)?.as_str()?.parse().ok()
}
