//! Jobs: work that a service gives itself, for whichever of its replicas is free. Every queue of them stands in the one
//! [`work_queues`], with the job that goes into it.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::event::{Envelope, Payload, Unpublishable};
use crate::id::{EventId, NotificationId};

/// A piece of work. It says where its work stands in the tables of its service, and no more: what is true is the row.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// The same for jobs of which one is enough: as dead letters they are one, too.
    fn id(&self) -> EventId;
}

/// Hand this message to its channel, if it is still to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SendMessage {
    /// The message.
    pub notification_id: NotificationId,
}

impl Job for SendMessage {
    fn id(&self) -> EventId {
        EventId::from_uuid(self.notification_id.uuid())
    }
}

/// Count the days anew that have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AggregateMetrics {}

impl Job for AggregateMetrics {
    fn id(&self) -> EventId {
        EventId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_6167_6772_6567))
    }
}

/// A queue of jobs. Its name in the broker is this one behind `HMS_BUS_PREFIX`.
#[derive(Debug, Clone, Copy)]
pub struct WorkQueue {
    /// Its name, such as `jobs.send_email.urgent`.
    pub name: &'static str,
    /// The service that puts jobs in and takes them out.
    pub service: &'static str,
    /// What its jobs look like.
    pub payload: fn() -> Payload,
}

macro_rules! work_queues {
    ($($service:literal $job:ty => [$($name:literal),+ $(,)?]),+ $(,)?) => {
        /// Every queue of jobs.
        pub const fn work_queues() -> &'static [WorkQueue] {
            &[$($(WorkQueue { name: $name, service: $service, payload: Payload::of::<$job> }),+),+]
        }
    };
}

// What goes before what is a queue of its own: quorum queues have no priorities in RabbitMQ 3.10.
work_queues![
    "notification" SendMessage => [
        "jobs.send_email.urgent", "jobs.send_email", "jobs.send_email.bulk",
        "jobs.send_sms.urgent", "jobs.send_sms", "jobs.send_sms.bulk",
        "jobs.send_push.urgent", "jobs.send_push", "jobs.send_push.bulk",
    ],
    "metrics" AggregateMetrics => ["jobs.aggregate_metrics"],
];

/// The names of the queues of a service, in alphabetical order.
pub fn queues_of(service: &str) -> Vec<&'static str> {
    let own = work_queues().iter().filter(|queue| queue.service == service);
    let mut names: Vec<_> = own.map(|queue| queue.name).collect();
    names.sort_unstable();
    names
}

impl WorkQueue {
    /// The queue of this name.
    pub fn find(name: &str) -> Option<&'static WorkQueue> {
        work_queues().iter().find(|queue| queue.name == name)
    }

    /// Which jobs go to the broker before which: the smaller, the earlier.
    pub fn rank(&self) -> i64 {
        match self.name.rsplit_once('.') {
            Some((_, "urgent")) => 0,
            Some((_, "bulk")) => 2,
            _ => 1,
        }
    }
}

impl Envelope {
    /// Wraps a job that `service` puts into one of its queues.
    pub fn of_job<J: Job>(
        service: &str,
        queue: &str,
        job: &J,
        time: DateTime<Utc>,
    ) -> serde_json::Result<Self> {
        Ok(Self {
            specversion: "1.0".into(),
            id: job.id(),
            source: format!("hms/{service}"),
            kind: queue.into(),
            subject: job.id().to_string(),
            time,
            datacontenttype: "application/json".into(),
            traceparent: None,
            dataversion: 1,
            aggregateversion: 0,
            data: serde_json::to_value(job)?,
        })
    }

    /// The queue of a job; one that is not there, or is another service's, is refused.
    pub fn check_queue(&self) -> Result<&'static WorkQueue, Unpublishable> {
        let queue = WorkQueue::find(&self.kind).ok_or_else(|| Unpublishable::NoQueue(self.kind.clone()))?;
        let by = self.source.strip_prefix("hms/").unwrap_or(&self.source);
        if queue.service == by {
            return Ok(queue);
        }
        let (kind, by) = (self.kind.clone(), by.to_owned());
        Err(Unpublishable::Foreign { kind, producer: queue.service, by })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventType;
    use crate::id::Id;
    use crate::service::ServiceEntry;

    #[test]
    fn every_queue_is_a_services_and_has_a_name_that_no_event_has() {
        let mut names: Vec<_> = work_queues().iter().map(|queue| queue.name).collect();
        for queue in work_queues() {
            assert!(ServiceEntry::find(queue.service).is_some(), "{queue:?}");
            assert!(queue.name.starts_with("jobs.") && EventType::find(queue.name).is_none(), "{queue:?}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), work_queues().len());
    }

    #[test]
    fn what_is_urgent_goes_first_and_what_goes_to_many_last() {
        let rank = |name| WorkQueue::find(name).unwrap().rank();
        assert!(rank("jobs.send_sms.urgent") < rank("jobs.send_email"));
        assert!(rank("jobs.send_email") < rank("jobs.send_push.bulk"));
        assert_eq!(rank("jobs.aggregate_metrics"), rank("jobs.send_sms"));
    }

    #[test]
    fn a_service_fills_its_own_queues() {
        let job = SendMessage { notification_id: Id::new(DateTime::UNIX_EPOCH) };
        let cases = [
            ("notification", "jobs.send_sms", ""),
            ("audit", "jobs.send_sms", "jobs.send_sms is published by notification, not by audit"),
            ("notification", "jobs.send_fax", "jobs.send_fax is not in the registry of work queues"),
        ];
        for (service, queue, refusal) in cases {
            let envelope = Envelope::of_job(service, queue, &job, DateTime::UNIX_EPOCH).unwrap();
            let outcome = envelope.check_queue();
            assert_eq!(outcome.map_or_else(|refused| refused.to_string(), |_| String::new()), refusal);
        }
    }
}
