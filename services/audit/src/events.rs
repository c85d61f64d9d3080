//! What the audit consumes: the acts that all services report, each in the transaction of the act itself, and who is in
//! whose care. And what it publishes: how far its chain has come.

use std::time::Duration;

use hms_bus::{ConsumeError, Consumer, Deliveries};
use hms_care::{keep_glass, keep_practitioner, keep_relations};
use hms_model::audit::AuditEntry;
use hms_model::event::{
    AccessBreakGlass, AuditDisclosed, AuditRecorded, CareTeamChanged, PractitionerCreated,
    PractitionerUpdated,
};

use crate::store::chain;

/// How long entries wait for company: an entry costs a fifth of its price alone in a batch of thirty, and whoever reads the
/// audit reads of what was a moment ago.
const COMPANY: Duration = Duration::from_millis(50);

/// The handlers of the events.
pub fn consumer() -> Consumer {
    // Together, since each transaction that adds to the chain waits for the one before it.
    Consumer::new("audit")
        .gathering_for(COMPANY)
        .on_many::<AuditRecorded>(|deliveries, recorded| {
            let entries: Vec<_> = recorded.into_iter().map(|AuditRecorded(entry)| entry).collect();
            add(deliveries, &entries)
        })
        .on_many::<AuditDisclosed>(|deliveries, disclosed| {
            let entries: Vec<_> = disclosed.into_iter().flat_map(|disclosed| disclosed.entries).collect();
            add(deliveries, &entries)
        })
        .on::<PractitionerCreated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on::<PractitionerUpdated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on_many::<CareTeamChanged>(|deliveries, changed| {
            keep_relations(deliveries.db, changed.into_iter().map(|event| event.0))?;
            Ok(())
        })
        .on::<AccessBreakGlass>(|delivery, event| Ok(keep_glass(delivery.db, &event.0)?))
}

fn add(deliveries: &mut Deliveries<'_>, entries: &[AuditEntry]) -> Result<(), ConsumeError> {
    let signed = chain::append(deliveries.db, entries, deliveries.now)?;
    deliveries.publish(&signed)
}
