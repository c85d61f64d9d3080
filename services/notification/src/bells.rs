//! Wakes the tasks that have something to do.

use std::sync::Arc;

use tokio::sync::Notify;

/// One for each task; clones are the same.
#[derive(Clone, Default)]
pub struct Bells {
    /// Wakes the task that gives jobs to what has become due.
    pub keeper: Arc<Notify>,
    /// Wakes the task that makes messages of reminders.
    pub reminders: Arc<Notify>,
}
