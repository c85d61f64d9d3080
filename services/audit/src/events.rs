//! What the audit consumes: the acts that all services report, each in the transaction of the act itself.

use std::sync::Arc;

use hms_bus::Consumer;
use hms_model::event::AuditRecorded;

use crate::domain::chain::Signer;
use crate::store::chain;

/// The handlers of the events.
pub fn consumer(signer: &Arc<Signer>) -> Consumer {
    let signer = Arc::clone(signer);
    Consumer::new("audit").on::<AuditRecorded>(move |delivery, AuditRecorded(entry)| {
        Ok(chain::append(delivery.db, &signer, &entry, delivery.now)?)
    })
}
