//! What the audit consumes: the acts that all services report, each in the transaction of the act itself.

use hms_bus::Consumer;
use hms_model::event::AuditRecorded;

use crate::store;

/// The handlers of the events.
pub fn consumer() -> Consumer {
    Consumer::new("audit")
        .on::<AuditRecorded>(|delivery, AuditRecorded(entry)| Ok(store::keep(delivery.db, &entry)?))
}
