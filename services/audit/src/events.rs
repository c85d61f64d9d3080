//! What the audit consumes: the acts that all services report, each in the transaction of the act itself. And what it
//! publishes: how far its chain has come.

use std::sync::Arc;

use hms_bus::{ConsumeError, Consumer, Deliveries};
use hms_model::audit::AuditEntry;
use hms_model::event::{AuditDisclosed, AuditRecorded};

use crate::domain::chain::Signer;
use crate::store::chain;

/// The handlers of the events.
pub fn consumer(signer: &Arc<Signer>) -> Consumer {
    let (of_acts, of_looks) = (Arc::clone(signer), Arc::clone(signer));
    // Together, since each transaction that adds to the chain waits for the one before it.
    Consumer::new("audit")
        .on_many::<AuditRecorded>(move |deliveries, recorded| {
            let entries: Vec<_> = recorded.into_iter().map(|AuditRecorded(entry)| entry).collect();
            add(deliveries, &of_acts, &entries)
        })
        .on_many::<AuditDisclosed>(move |deliveries, disclosed| {
            let alone = disclosed.len() == 1;
            let entries: Vec<_> = disclosed.into_iter().flat_map(|disclosed| disclosed.entries).collect();
            // The audit may know a part of what an old dead letter tells, and takes the rest.
            let at_once = if alone { 1 } else { entries.len().max(1) };
            entries.chunks(at_once).try_for_each(|entries| add(deliveries, &of_looks, entries))
        })
}

fn add(deliveries: &mut Deliveries<'_>, signer: &Signer, entries: &[AuditEntry]) -> Result<(), ConsumeError> {
    for signed in chain::append(deliveries.db, signer, entries, deliveries.now)? {
        deliveries.publish(&signed)?;
    }
    Ok(())
}
