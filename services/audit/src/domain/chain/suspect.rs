//! What was done to a chain, once it is known where it breaks. The break alone does not tell: an entry that does not
//! follow the one before it may have been moved, put in, or have lost its predecessor. What comes after it does.

use std::cmp::Ordering;

use hms_model::id::AuditEntryId;

use super::{Entry, Finding, Hash, Kind, Place, Statement};

/// The end of what is right.
pub(super) struct Tip {
    pub place: Place,
    pub id: Option<AuditEntryId>,
    /// The hash of the entry before it; none where it is no entry.
    pub before: Option<Hash>,
}

/// The first entry that does not follow, and what was seen since.
pub(super) struct Suspect {
    tip: Tip,
    seq: i64,
    id: Option<AuditEntryId>,
    prev: Hash,
    hash: Hash,
    /// Its hash is that of what it holds.
    sound: bool,
    agrees: bool,
    /// A sound entry came later that does follow the tip.
    successor: Option<i64>,
    /// The entry that it follows came later.
    parent: bool,
    /// It came again.
    again: bool,
    /// The text that its hash is of came later.
    text_elsewhere: bool,
    /// The last entry seen.
    last: Place,
    numbers: Numbers,
}

/// Whether the entries after the break stand at the numbers that the next checkpoint knows them by.
enum Numbers {
    Unknown,
    Right,
    /// They do not; the signed hash was not seen yet.
    Wrong(Hash),
    /// They stand behind their numbers.
    Behind,
}

impl Suspect {
    /// `missed` is the checkpoint, if any, that should have come later than the tip.
    pub fn new(tip: Tip, entry: &Entry, sound: bool, missed: Option<&Statement>) -> Self {
        Self {
            tip,
            seq: entry.seq,
            id: entry.id(),
            prev: entry.prev.clone(),
            hash: entry.hash.clone(),
            sound,
            agrees: entry.agrees,
            successor: None,
            parent: false,
            again: false,
            text_elsewhere: false,
            last: Place { hash: entry.hash.clone(), seq: entry.seq },
            numbers: missed.map_or(Numbers::Unknown, |missed| Numbers::Wrong(missed.hash.clone())),
        }
    }

    /// Looks at an entry that comes later.
    pub fn see(&mut self, entry: &Entry) {
        if entry.prev == self.tip.place.hash && Hash::of_entry(&entry.prev, &entry.text) == entry.hash {
            self.successor.get_or_insert(entry.seq);
        }
        self.parent |= entry.hash == self.prev;
        self.again |= entry.hash == self.hash;
        self.text_elsewhere |= !self.sound && Hash::of_entry(&self.prev, &entry.text) == self.hash;
        if matches!(&self.numbers, Numbers::Wrong(hash) if *hash == entry.hash) {
            self.numbers = Numbers::Behind;
        }
        self.last = Place { hash: entry.hash.clone(), seq: entry.seq };
    }

    /// Looks at a checkpoint that comes later and whose signature is right.
    pub fn see_checkpoint(&mut self, statement: &Statement) {
        if matches!(self.numbers, Numbers::Unknown) {
            self.numbers = match statement.seq == self.last.seq && statement.hash == self.last.hash {
                true => Numbers::Right,
                false => Numbers::Wrong(statement.hash.clone()),
            };
        }
    }

    /// What it comes to; `end` is what is said to be the last entry.
    pub fn verdict(self, end: Option<&Place>) -> Finding {
        if self.sound && self.tip.before.as_ref() == Some(&self.prev) {
            return self.the_tip(Kind::Insertion, "the chain goes on from the entry before it");
        }
        if end.is_some_and(|end| end.seq < self.seq) {
            return self.insertion("it stands after the end of the chain");
        }
        if self.prev == self.tip.place.hash {
            self.verdict_in_place()
        } else if self.sound {
            self.verdict_out_of_place(end)
        } else {
            self.verdict_on_a_stranger()
        }
    }

    /// It names the right predecessor, but is not what it was.
    fn verdict_in_place(self) -> Finding {
        match self {
            Self { sound: false, successor: Some(_), .. } => {
                self.insertion("the chain goes on without it, and its hash is not that of its text")
            }
            Self { sound: false, text_elsewhere: true, .. } => {
                self.this(Kind::Reorder, "its text stands at another place of the chain")
            }
            Self { sound: false, .. } => self.this(Kind::Edit, "its hash is not that of its text"),
            Self { agrees: false, .. } => {
                self.this(Kind::Edit, "what it is found by is not what its text says")
            }
            _ => self.this(Kind::Edit, "its number is not the next one"),
        }
    }

    /// It names another predecessor, and its hash is not that of its text either.
    fn verdict_on_a_stranger(self) -> Finding {
        match self {
            Self { successor: Some(_), .. } => {
                self.insertion("the chain goes on without it, and its hash is not that of its text")
            }
            Self { ref tip, seq, .. } if seq > tip.place.seq.saturating_add(1) => self.gap(),
            _ => self
                .this(Kind::Edit, "its hash is not that of its text, nor does it follow the entry before it"),
        }
    }

    /// It is sound, and follows another entry than the one it comes after.
    fn verdict_out_of_place(self, end: Option<&Place>) -> Finding {
        if self.again || self.seq <= self.tip.place.seq || self.successor == Some(self.seq) {
            return self.insertion("it stands in the chain a second time, or in the place of another entry");
        }
        match (self.parent, self.successor) {
            (true, _) => self.this(Kind::Reorder, "the entry that it follows comes after it"),
            (false, Some(_)) => self.insertion("the chain goes on without it"),
            (false, None) if self.seq > self.tip.place.seq.saturating_add(1) => self.gap(),
            (false, None) => self.verdict_by_numbers(end),
        }
    }

    /// The numbers go on, but the chain does not: either something was taken out and what follows got new numbers,
    /// or something else was put in the place of the entry before.
    fn verdict_by_numbers(self, end: Option<&Place>) -> Finding {
        let short = end.map(|end| end.seq.cmp(&self.last.seq));
        match (&self.numbers, short) {
            (Numbers::Wrong(_), _) | (Numbers::Unknown, Some(Ordering::Greater)) => {
                self.this(Kind::Deletion, "entries before it are missing, and the numbers were closed up")
            }
            (Numbers::Behind, _) | (Numbers::Unknown, Some(Ordering::Less)) => {
                self.the_tip(Kind::Insertion, "the chain goes on from an entry before it")
            }
            _ if self.tip.before.is_none() => {
                self.this(Kind::Edit, "it does not follow from where the chain begins")
            }
            _ => self.the_tip(Kind::Edit, "the entry after it follows another one"),
        }
    }

    fn gap(self) -> Finding {
        let first = self.tip.place.seq.saturating_add(1);
        let last = self.seq.saturating_sub(1);
        let reason = match first == last {
            true => "it is missing".to_owned(),
            false => format!("the entries {first} to {last} are missing"),
        };
        Finding { kind: Kind::Deletion, seq: first, id: None, reason }
    }

    fn insertion(self, reason: &str) -> Finding {
        self.this(Kind::Insertion, reason)
    }

    /// It is the entry before that is wrong.
    fn the_tip(self, kind: Kind, reason: &str) -> Finding {
        Finding { kind, seq: self.tip.place.seq, id: self.tip.id, reason: reason.to_owned() }
    }

    fn this(self, kind: Kind, reason: &str) -> Finding {
        Finding { kind, seq: self.seq, id: self.id, reason: reason.to_owned() }
    }
}
