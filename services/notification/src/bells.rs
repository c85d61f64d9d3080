//! Wakes the tasks that have something to do.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::domain::{ChannelKind, Message};
use crate::store::messages::Queue;

/// One for each queue of messages, and one for the reminders; clones are the same.
#[derive(Clone)]
pub struct Bells {
    queues: Arc<[(Queue, Arc<Notify>)]>,
    /// Wakes the task that makes messages of reminders.
    pub reminders: Arc<Notify>,
}

impl Bells {
    /// Nobody listens yet.
    pub fn new() -> Self {
        Self {
            queues: Queue::all().map(|queue| (queue, Arc::default())).collect(),
            reminders: Arc::default(),
        }
    }

    /// The one of this queue.
    pub fn of(&self, queue: Queue) -> Option<&Arc<Notify>> {
        self.queues.iter().find(|(of, _)| *of == queue).map(|(_, bell)| bell)
    }

    /// The one of the mails about accounts and of those to whoever keeps a webhook.
    pub fn of_mails(&self) -> Option<&Arc<Notify>> {
        self.of(Queue { channel: ChannelKind::Email, urgent: true })
    }

    /// Those of the queues that these messages stand in, each once.
    pub fn for_messages<'a>(&'a self, messages: &'a [Message]) -> impl Iterator<Item = &'a Arc<Notify>> {
        let has_work =
            |queue: &Queue| messages.iter().any(|message| Queue::of(message).as_ref() == Some(queue));
        self.queues.iter().filter(move |(queue, _)| has_work(queue)).map(|(_, bell)| bell)
    }

    /// Wakes the tasks that send these.
    pub fn ring_for(&self, messages: &[Message]) {
        self.for_messages(messages).for_each(|bell| bell.notify_one());
    }
}
