//! Where the chain goes on.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::audit::AuditEntry;

use super::{Hash, Place, PublicKey, SignedCheckpoint, Signer, Statement, canonical};

/// The most entries that a checkpoint may leave to the next one.
pub const LONGEST_RUN: i64 = 1_000;
/// How long an entry may wait for a checkpoint: a minute at the most, less what it takes to notice.
const LONGEST_WAIT: TimeDelta = TimeDelta::seconds(50);

/// The head of the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The newest entry.
    pub tip: Place,
    /// The newest checkpoint.
    pub checkpoint: LastCheckpoint,
    /// The last entry that was pruned; the beginning where none was.
    pub boundary: Place,
    /// Since when there is an entry that no checkpoint covers.
    pub waiting_since: Option<DateTime<Utc>>,
}

/// A checkpoint as the next one needs to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct LastCheckpoint {
    /// Its number; 0 stands for none.
    pub number: i64,
    /// The entry up to which it goes.
    pub seq: i64,
    /// The hash of its statement.
    pub hash: Hash,
}

/// The place of a new entry in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its number.
    pub seq: i64,
    /// The hash of the entry before it.
    pub prev: Hash,
    /// Its own hash.
    pub hash: Hash,
    /// Its canonical text.
    pub text: String,
}

impl Head {
    /// The place that an entry takes when it is the next one.
    pub fn link(&self, entry: &AuditEntry) -> serde_json::Result<Link> {
        let text = canonical(&serde_json::to_value(entry)?);
        let prev = self.tip.hash.clone();
        Ok(Link { seq: self.tip.seq + 1, hash: Hash::of_entry(&prev, &text), prev, text })
    }

    /// Goes on by this entry.
    pub fn append(&mut self, link: &Link, now: DateTime<Utc>) {
        self.tip = Place { hash: link.hash.clone(), seq: link.seq };
        self.waiting_since.get_or_insert(now);
    }

    /// Whether it is time for a checkpoint.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        let run = self.tip.seq - self.checkpoint.seq;
        run >= LONGEST_RUN || self.waiting_since.is_some_and(|since| now - since >= LONGEST_WAIT)
    }

    /// Signs how far the chain has come, and which key signs from now on where it is another.
    pub fn sign(
        &mut self,
        signer: &Signer,
        next: Option<&PublicKey>,
        now: DateTime<Utc>,
    ) -> serde_json::Result<(Statement, SignedCheckpoint)> {
        let statement = Statement {
            at: now,
            boundary: (self.boundary.seq > 0).then(|| self.boundary.clone()),
            hash: self.tip.hash.clone(),
            key: signer.id().to_owned(),
            next_key: next.map(PublicKey::base64),
            number: self.checkpoint.number + 1,
            previous: self.checkpoint.hash.clone(),
            seq: self.tip.seq,
        };
        let signed = signer.sign(&statement)?;
        self.checkpoint =
            LastCheckpoint { number: statement.number, seq: statement.seq, hash: signed.hash() };
        self.waiting_since = None;
        Ok((statement, signed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(seq: i64, signed: i64, waiting: Option<i64>) -> Head {
        Head {
            tip: Place { seq, ..Place::beginning() },
            checkpoint: LastCheckpoint { number: 1, seq: signed, hash: Hash::genesis() },
            boundary: Place::beginning(),
            waiting_since: waiting.map(|seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)),
        }
    }

    #[test]
    fn a_checkpoint_is_due_after_a_thousand_entries_or_within_a_minute() {
        let cases = [
            ("nothing new", head(7, 7, None), false),
            ("just come", head(8, 7, Some(100)), false),
            ("waiting for a while", head(8, 7, Some(51)), false),
            ("waiting for long", head(8, 7, Some(50)), true),
            ("many", head(1_006, 7, Some(100)), false),
            ("a thousand", head(1_007, 7, Some(100)), true),
        ];
        let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(100);
        for (case, head, due) in cases {
            assert_eq!(head.is_due(now), due, "{case}");
        }
    }
}
