//! One attempt at a delivery: what came back, and what follows from it.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::id::{Id, WebhookDeliveryId};

/// The kind of the id of an attempt.
#[derive(Debug)]
pub enum AttemptKind {}

/// The longest time that a receiver may ask us to wait.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(24);

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The status of the answer; none where there was no answer.
    pub status: Option<u16>,
    /// The beginning of the answer's body.
    pub body: Option<String>,
    /// When the receiver wants to be asked again, as it said.
    pub retry_after: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

/// What an outcome means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it: a status of 2xx.
    Delivered,
    /// It may go better later.
    Failed,
    /// The receiver wants nothing more (410).
    Gone,
}

/// An attempt as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub id: Id<AttemptKind>,
    /// What was to be delivered.
    pub delivery_id: WebhookDeliveryId,
    /// Which attempt it was, from 1.
    pub number: i64,
    /// Where it went.
    pub url: String,
    /// When it began, which is its `webhook-timestamp`.
    pub at: DateTime<Utc>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Outcome {
    /// What it means. A redirect is not followed, so it is a failure.
    pub fn verdict(&self) -> Verdict {
        match self.status {
            Some(200..=299) => Verdict::Delivered,
            Some(410) => Verdict::Gone,
            _ => Verdict::Failed,
        }
    }

    /// Why it failed, in a few words.
    pub fn reason(&self) -> String {
        match (self.status, &self.error) {
            (Some(status @ 300..=399), _) => format!("answered {status}: redirects are not followed"),
            (Some(status), _) => format!("answered {status}"),
            (None, Some(error)) => error.clone(),
            (None, None) => "no answer".to_owned(),
        }
    }
}

/// How long the receiver wants to be left alone (RFC 9110, 10.2.3: seconds or a date), but not longer than a day.
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let value = value.trim();
    let wait = match value.parse::<u32>() {
        Ok(seconds) => TimeDelta::seconds(seconds.into()),
        Err(_) => DateTime::parse_from_rfc2822(value).ok()?.to_utc() - now,
    };
    (wait > TimeDelta::zero()).then(|| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_2xx_has_arrived() {
        let cases = [
            (Some(200), Verdict::Delivered),
            (Some(204), Verdict::Delivered),
            (Some(299), Verdict::Delivered),
            (Some(199), Verdict::Failed),
            (Some(300), Verdict::Failed),
            (Some(301), Verdict::Failed),
            (Some(308), Verdict::Failed),
            (Some(400), Verdict::Failed),
            (Some(404), Verdict::Failed),
            (Some(410), Verdict::Gone),
            (Some(429), Verdict::Failed),
            (Some(500), Verdict::Failed),
            (None, Verdict::Failed),
        ];
        for (status, verdict) in cases {
            let outcome = Outcome { status, body: None, retry_after: None, error: None, took_ms: 1 };
            assert_eq!(outcome.verdict(), verdict, "{status:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now = DateTime::from_timestamp(1_445_412_480, 0).unwrap();
        let cases = [
            ("120", Some(TimeDelta::seconds(120))),
            (" 7 ", Some(TimeDelta::seconds(7))),
            ("0", None),
            ("-5", None),
            ("86401", Some(LONGEST_WAIT)),
            ("4294967295", Some(LONGEST_WAIT)),
            ("99999999999999999999", None),
            ("soon", None),
            ("", None),
            ("Wed, 21 Oct 2015 07:28:30 GMT", Some(TimeDelta::seconds(30))),
            ("Wed, 21 Oct 2015 07:27:00 GMT", None),
            ("Thu, 31 Dec 2099 23:59:59 GMT", Some(LONGEST_WAIT)),
        ];
        for (value, expected) in cases {
            assert_eq!(retry_after(value, now), expected, "{value}");
        }
    }
}
