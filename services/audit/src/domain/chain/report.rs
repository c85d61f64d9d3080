//! What came of checking a chain.

use std::fmt;

use hms_model::coded_enum;
use hms_model::id::AuditEntryId;

use super::Place;

coded_enum! {
    /// What was done to a chain.
    pub enum Kind {
        /// Something was changed.
        Edit = "edit",
        /// Something was taken out.
        Deletion = "deletion",
        /// Entries stand in another order.
        Reorder = "reorder",
        /// Something was put in.
        Insertion = "insertion",
        /// The end was cut off.
        Truncation = "truncation",
        /// A signature is not of what it stands under.
        BadSignature = "bad_signature",
        /// A checkpoint was signed with a key that is not trusted.
        UnknownKey = "unknown_key",
    }
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was done.
    pub kind: Kind,
    /// The number of the first entry that is wrong or missing.
    pub seq: i64,
    /// Its id, where it is there.
    pub id: Option<AuditEntryId>,
    /// What shows it, in words.
    pub reason: String,
}

/// What came of checking a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How many entries are right, up to the first that is not.
    pub entries: i64,
    /// The entry before the first.
    pub anchor: Place,
    /// The last of the right entries.
    pub tip: Place,
    /// Whether it was the whole chain, as far as it has not been pruned.
    pub whole: bool,
    /// How many checkpoints are right.
    pub checkpoints: i64,
    /// The entry that the last of them signs.
    pub signed: Option<Place>,
    /// How many entries are newer than that.
    pub uncovered: i64,
    /// The first thing that is wrong.
    pub finding: Option<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_right(&self) -> bool {
        self.finding.is_none()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at entry {}", self.kind, self.seq)?;
        if let Some(id) = self.id {
            write!(f, " ({id})")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, anchor, tip, checkpoints, uncovered, .. } = self;
        match entries {
            0 => writeln!(f, "entries: none")?,
            _ => writeln!(f, "entries: {entries}, from {} to {}", anchor.seq.saturating_add(1), tip.seq)?,
        }
        match (self.whole, anchor.seq) {
            (false, _) => {
                writeln!(f, "a part of the chain: what comes before and after it was not looked at")?
            }
            (true, 0) => {}
            (true, seq) => writeln!(f, "pruned: the entries up to {seq}, as a checkpoint says")?,
        }
        match &self.signed {
            None => writeln!(f, "checkpoints: none")?,
            Some(place) => {
                writeln!(f, "checkpoints: {checkpoints}, the last at {}:{}", place.seq, place.hash)?
            }
        }
        if *uncovered > 0 {
            writeln!(f, "not yet covered by a checkpoint: {uncovered} entries")?;
        }
        match &self.finding {
            None => writeln!(f, "the chain is whole"),
            Some(finding) => writeln!(f, "the chain is broken: {finding}"),
        }
    }
}
