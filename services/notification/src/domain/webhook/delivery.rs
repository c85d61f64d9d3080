//! An event on its way to a webhook: when it is tried, how often, and how it ends.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use hms_model::coded_enum;
use hms_model::id::{EventId, PatientId, WebhookDeliveryId, WebhookId};
use serde_json::{Value, json};

use super::attempt::{Outcome, Verdict, retry_after};

/// The type of the event that only tests a webhook.
pub const TEST_EVENT: &str = "webhook.test";
/// The waits after the attempts that failed, but the last.
const WAITS: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];
/// A wait is up to this much longer, so that what failed together does not come again together.
const JITTER: f64 = 0.2;
/// For how long whoever takes a delivery up has it; longer than an attempt may take. After that it is anybody's.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);

coded_enum! {
    /// What has become of a delivery.
    pub enum DeliveryStatus {
        /// It is to be sent, is being sent, or waits for the next attempt.
        Pending = "pending",
        /// The receiver has it.
        Delivered = "delivered",
        /// It was given up; it can be sent again by hand.
        Failed = "failed",
    }
}

/// An event on its way to a webhook. Debug does not show what is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: WebhookDeliveryId,
    /// Counts its changes.
    pub version: i64,
    /// Where it goes.
    pub webhook_id: WebhookId,
    /// The event, whose id is the `webhook-id` of every attempt.
    pub event_id: EventId,
    /// The type of the event.
    pub event_type: String,
    /// The body, byte by byte the same at every attempt.
    pub payload: String,
    /// The patient it tells of, if it does of one.
    pub patient_id: Option<PatientId>,
    /// What has become of it.
    pub status: DeliveryStatus,
    /// How often it was tried since it was new or was last sent again by hand.
    pub step: i64,
    /// How often it was tried in all.
    pub attempts: i64,
    /// While it is pending: when to look at it next.
    pub due_at: DateTime<Utc>,
    /// When the event came.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The status of the last answer.
    pub last_status: Option<i64>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Delivery({}, {}, {})", self.id, self.event_type, self.status)
    }
}

/// The body of an event: `type`, `timestamp` and `data`.
pub fn body_of(kind: &str, at: DateTime<Utc>, data: &Value) -> String {
    let timestamp = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    json!({ "type": kind, "timestamp": timestamp, "data": data }).to_string()
}

impl Delivery {
    /// A delivery that is due at once.
    pub fn new(
        id: WebhookDeliveryId,
        webhook_id: WebhookId,
        (event_id, event_type): (EventId, &str),
        payload: String,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            version: 1,
            webhook_id,
            event_id,
            event_type: event_type.to_owned(),
            payload,
            patient_id: None,
            status: DeliveryStatus::Pending,
            step: 0,
            attempts: 0,
            due_at: now,
            created_at: now,
            ended_at: None,
            last_status: None,
            error: None,
        }
    }

    /// Takes up a delivery that is due. It is then still pending and nobody else's before the lease ends; or at its end,
    /// when all attempts were begun and whoever made the last one is gone.
    #[must_use]
    pub fn taken_up(self, now: DateTime<Utc>) -> Self {
        if usize::try_from(self.step).is_ok_and(|step| step > WAITS.len()) {
            return self.ended(DeliveryStatus::Failed, Some("no attempt came to an end".into()), now);
        }
        Self { step: self.step + 1, attempts: self.attempts + 1, due_at: now + LEASE, ..self }
    }

    /// Puts back a delivery that was taken up and not tried: whoever has a place for it may take it up at once.
    #[must_use]
    pub fn put_back(self, now: DateTime<Utc>) -> Self {
        Self { step: self.step - 1, attempts: self.attempts - 1, due_at: now, ..self }
    }

    /// Notes how an attempt ended. `chance` is a random number from 0 to 1.
    #[must_use]
    pub fn tried(self, outcome: &Outcome, chance: f64, now: DateTime<Utc>) -> Self {
        let last_status = outcome.status.map(i64::from);
        let tried = Self { last_status, ..self };
        match outcome.verdict() {
            Verdict::Delivered => tried.ended(DeliveryStatus::Delivered, None, now),
            Verdict::Gone => tried.ended(DeliveryStatus::Failed, Some(outcome.reason()), now),
            Verdict::Failed => match tried.wait(chance) {
                None => tried.ended(DeliveryStatus::Failed, Some(outcome.reason()), now),
                Some(wait) => {
                    let asked = outcome.retry_after.as_deref().and_then(|value| retry_after(value, now));
                    let due_at = now + asked.map_or(wait, |asked| asked.max(wait));
                    Self { due_at, error: Some(outcome.reason()), ..tried }
                }
            },
        }
    }

    /// The wait before the next attempt; none after the last.
    fn wait(&self, chance: f64) -> Option<TimeDelta> {
        let wait = WAITS.get(usize::try_from(self.step).ok()?.checked_sub(1)?)?;
        let longer = wait.to_std().ok()?.mul_f64(1.0 + JITTER * chance.clamp(0.0, 1.0));
        TimeDelta::from_std(longer).ok()
    }

    /// Begins anew, however it ended: the schedule starts at its first attempt.
    #[must_use]
    pub fn again(self, now: DateTime<Utc>) -> Self {
        Self { status: DeliveryStatus::Pending, step: 0, due_at: now, ended_at: None, ..self }
    }

    fn ended(self, status: DeliveryStatus, error: Option<String>, now: DateTime<Utc>) -> Self {
        Self { status, error, ended_at: Some(now), ..self }
    }
}

#[cfg(test)]
mod tests {
    use hms_model::id::Id;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    fn delivery() -> Delivery {
        Delivery::new(Id::new(now()), Id::new(now()), (Id::new(now()), "patient.created"), "{}".into(), now())
    }

    fn answered(status: u16) -> Outcome {
        Outcome { status: Some(status), body: None, retry_after: None, error: None, took_ms: 1 }
    }

    #[test]
    fn it_is_tried_ten_times_by_the_schedule() {
        let (mut delivery, mut at) = (delivery(), now());
        let mut waits = Vec::new();
        while delivery.status == DeliveryStatus::Pending {
            delivery = delivery.taken_up(at).tried(&answered(500), 0.0, at);
            waits.push((delivery.due_at - at).num_seconds());
            at = delivery.due_at;
        }
        waits.pop();
        assert_eq!(waits, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!((delivery.attempts, delivery.status), (10, DeliveryStatus::Failed));
        assert_eq!(delivery.error.as_deref(), Some("answered 500"));
        let again = delivery.again(at).taken_up(at);
        assert_eq!((again.attempts, again.step, again.status), (11, 1, DeliveryStatus::Pending));
    }

    #[test]
    fn a_wait_is_up_to_a_fifth_longer_and_never_shorter() {
        for (chance, seconds) in [(0.0, 5.0), (0.5, 5.5), (1.0, 6.0), (7.0, 6.0), (-1.0, 5.0)] {
            let tried = delivery().taken_up(now()).tried(&answered(500), chance, now());
            let wait = (tried.due_at - now()).as_seconds_f64();
            assert!((wait - seconds).abs() < 0.001, "{chance}: {wait}");
        }
    }

    #[test]
    fn the_receiver_may_ask_for_a_longer_wait_only() {
        let cases = [("60", 60), ("1", 5), ("999999", 86_400), ("soon", 5)];
        for (asked, seconds) in cases {
            let outcome = Outcome { retry_after: Some(asked.into()), ..answered(503) };
            let tried = delivery().taken_up(now()).tried(&outcome, 0.0, now());
            assert_eq!((tried.due_at - now()).num_seconds(), seconds, "{asked}");
        }
    }

    #[test]
    fn it_ends_at_once_when_it_has_arrived_or_the_receiver_is_gone() {
        for (status, end) in [(200, DeliveryStatus::Delivered), (410, DeliveryStatus::Failed)] {
            let tried = delivery().taken_up(now()).tried(&answered(status), 0.0, now());
            assert_eq!((tried.status, tried.ended_at), (end, Some(now())));
        }
    }

    #[test]
    fn whoever_is_gone_with_the_last_attempt_does_not_keep_it_for_ever() {
        let mut delivery = delivery();
        for _ in 0..10 {
            delivery = delivery.taken_up(now());
            assert_eq!(delivery.status, DeliveryStatus::Pending);
        }
        assert_eq!(delivery.taken_up(now()).status, DeliveryStatus::Failed);
    }

    #[test]
    fn what_is_put_back_has_lost_nothing() {
        let tried = delivery().taken_up(now()).tried(&answered(500), 0.0, now());
        let back = tried.clone().taken_up(now() + LEASE).put_back(now() + LEASE);
        assert_eq!((back.step, back.attempts, back.status), (1, 1, DeliveryStatus::Pending));
        assert_eq!((back.due_at, back.error), (now() + LEASE, tried.error));
    }

    #[test]
    fn the_body_has_type_timestamp_and_data() {
        let body = body_of("patient.created", now(), &json!({ "patient_id": "x" }));
        let read: Value = serde_json::from_str(&body).unwrap();
        let expected = json!({ "type": "patient.created", "timestamp": "2026-03-02T08:00:00.000000Z", "data": { "patient_id": "x" } });
        assert_eq!(read, expected);
    }
}
