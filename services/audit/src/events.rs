//! What the audit consumes: the acts that all services report, each in the transaction of the act itself. And what it
//! publishes: how far its chain has come.

use std::sync::Arc;

use hms_bus::Consumer;
use hms_model::event::AuditRecorded;

use crate::domain::chain::Signer;
use crate::store::chain;

/// The handlers of the events.
pub fn consumer(signer: &Arc<Signer>) -> Consumer {
    let signer = Arc::clone(signer);
    // Together, since each transaction that adds to the chain waits for the one before it.
    Consumer::new("audit").on_many::<AuditRecorded>(move |deliveries, recorded| {
        let entries: Vec<_> = recorded.into_iter().map(|AuditRecorded(entry)| entry).collect();
        for signed in chain::append(deliveries.db, &signer, &entries, deliveries.now)? {
            deliveries.publish(&signed)?;
        }
        Ok(())
    })
}
