//! Waiting until all that was committed has arrived everywhere.

use std::time::{Duration, Instant};

use hms_model::service::SERVICES;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use tokio::time::sleep;

use crate::client::Client;
use crate::facts::Databases;

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Nothing may move for this long: far more than one delivery takes.
const QUIET: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(100);
/// The deliveries that a service has taken, among its metrics.
const TAKEN: &str = "hms_bus_deliveries_total ";

/// Where to look.
pub struct Drain<'a> {
    /// The databases of the services.
    pub databases: &'a Databases,
    /// Every process of a service.
    pub services: Vec<Client>,
    /// The queues, unless the bus is within the process.
    pub queues: Option<Queues>,
}

/// The queues of a platform.
pub struct Queues {
    /// Where the broker is.
    pub url: String,
    /// The first part of their names.
    pub prefix: &'static str,
}

impl Drain<'_> {
    /// Returns how long it took.
    pub async fn wait(&self) -> Duration {
        let begun = Instant::now();
        let mut before = None;
        loop {
            let now = self.at_rest().await;
            if now.is_some() && now == before {
                return begun.elapsed();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "events are still under way after {PATIENCE:?}: {:?}",
                self.left().await
            );
            sleep(if now.is_some() { QUIET } else { PAUSE }).await;
            before = now;
        }
    }

    /// The deliveries that were taken, when no event waits in an outbox or a queue.
    async fn at_rest(&self) -> Option<Vec<String>> {
        if self.left().await != (0, 0) {
            return None;
        }
        let mut taken = Vec::new();
        for service in &self.services {
            let metrics = service.text("/metrics").await?;
            taken.extend(metrics.lines().find(|line| line.starts_with(TAKEN)).map(ToOwned::to_owned));
        }
        (taken.len() == self.services.len()).then_some(taken)
    }

    /// Events in outboxes and in queues. Mails may still be under way: each is a row by now.
    async fn left(&self) -> (i64, u32) {
        let queued = match &self.queues {
            Some(queues) => queues.count(&["", ".retry"]).await,
            None => 0,
        };
        (self.databases.waiting().await, queued)
    }
}

impl Queues {
    /// The messages in all queues whose names end in one of these.
    pub async fn count(&self, ends: &[&str]) -> u32 {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let mut count = 0;
        for service in
            SERVICES.iter().filter(|service| !hms_model::event::consumed_by(service.name).is_empty())
        {
            for end in ends {
                let name = format!("{}.{}{end}", self.prefix, service.name);
                let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
                let queue = channel.queue_declare(name.into(), look, FieldTable::default()).await.unwrap();
                count += queue.message_count();
            }
        }
        connection.close(200, "looked".into()).await.unwrap();
        count
    }
}
