//! Whether a chain is what it was: one pass over its records, in constant memory.

use hms_model::id::AuditEntryId;

use super::suspect::{Suspect, Tip};
use super::{
    Entry, Finding, Hash, Kind, LONGEST_RUN, Place, PublicKey, Record, Report, SignedCheckpoint, Start,
    Statement,
};

/// Takes the records of a chain, one after the other, and tells at the end what is wrong.
pub struct Verifier {
    keys: Vec<PublicKey>,
    /// Nobody named a key: those that come with the records count.
    takes_keys: bool,
    noted: Option<Place>,
    anchor: Place,
    whole: bool,
    boundary: Option<Place>,
    /// What says so, while the key that signed it is not known: it may yet be handed over to.
    unproven: Option<SignedCheckpoint>,
    /// The key that the last one was handed over to; from there on no other signs.
    successor: Option<String>,
    started: bool,
    /// Whether it has been looked at where the entries begin.
    begun: bool,
    tip: Tip,
    entries: i64,
    /// The first entry since the last checkpoint.
    first_uncovered: Option<(i64, Option<AuditEntryId>)>,
    last: Option<(Statement, Hash)>,
    checkpoints: i64,
    /// A checkpoint that signs more than has come.
    missed: Option<Statement>,
    /// Entries that are not those a checkpoint signs.
    unsigned: Option<Finding>,
    suspect: Option<Suspect>,
    end: Option<Place>,
    finding: Option<Finding>,
}

impl Verifier {
    /// Trusts these keys, or those that come with the records where none is given. `noted` is a place of the chain
    /// that somebody wrote down earlier: it must still be there.
    pub fn new(trusted: Option<Vec<PublicKey>>, noted: Option<Place>) -> Self {
        Self {
            takes_keys: trusted.is_none(),
            keys: trusted.unwrap_or_default(),
            noted,
            anchor: Place::beginning(),
            whole: true,
            boundary: None,
            unproven: None,
            successor: None,
            started: false,
            begun: false,
            tip: Tip { place: Place::beginning(), id: None, before: None },
            entries: 0,
            first_uncovered: None,
            last: None,
            checkpoints: 0,
            missed: None,
            unsigned: None,
            suspect: None,
            end: None,
            finding: None,
        }
    }

    /// Takes the next record; false when no further one can change what is known.
    pub fn take(&mut self, record: Record) -> bool {
        if self.finding.is_none() {
            self.take_in(record);
        }
        self.finding.is_none()
    }

    /// Takes a record that cannot be read.
    pub fn take_unreadable(&mut self, reason: &str) -> bool {
        let seq = self.tip.place.seq.saturating_add(1);
        self.found(Kind::Edit, seq, None, reason.to_owned());
        false
    }

    fn take_in(&mut self, record: Record) {
        let is_head = matches!(record, Record::Start(_) | Record::Key(_) | Record::Boundary(_));
        if !is_head {
            self.begin();
        }
        if self.end.is_some() || is_head && self.begun {
            let seq = self.tip.place.seq.saturating_add(1);
            return self.found(Kind::Insertion, seq, None, "a record stands where none can be".to_owned());
        }
        match record {
            _ if self.finding.is_some() => {}
            Record::Start(start) => self.start(start),
            Record::Key(key) if self.takes_keys => self.keys.extend(PublicKey::from_base64(&key.public_key)),
            Record::Key(_) => {}
            Record::Boundary(signed) => self.boundary(&signed),
            Record::Entry(entry) => self.entry(&entry),
            Record::Checkpoint(signed) => self.checkpoint(&signed),
            Record::End(place) => self.end = Some(place),
        }
    }

    fn start(&mut self, start: Start) {
        if std::mem::replace(&mut self.started, true) {
            return self.found(Kind::Insertion, self.anchor.seq, None, "a second start".to_owned());
        }
        self.anchor = if start.anchor.seq == 0 { Place::beginning() } else { start.anchor };
        self.whole = start.whole;
        self.tip.place = self.anchor.clone();
    }

    fn boundary(&mut self, signed: &SignedCheckpoint) {
        match self.open(signed) {
            Ok(statement) => self.boundary = statement.boundary,
            Err(Kind::UnknownKey) => {
                self.boundary = signed.read().and_then(|statement| statement.boundary);
                self.unproven = Some(signed.clone());
            }
            Err(kind) => self.unsound(kind, signed),
        }
    }

    /// A chain begins at the beginning, or where a checkpoint says that it was pruned.
    fn begin(&mut self) {
        if self.begun {
            return;
        }
        self.begun = true;
        if self.whole && self.anchor.seq > 0 && self.boundary.as_ref() != Some(&self.anchor) {
            let seq = self.anchor.seq;
            let reason =
                format!("the entries up to {seq} are missing, and no checkpoint says that they were pruned");
            self.found(Kind::Deletion, 1, None, reason);
        }
        self.compare_with_noted(None);
    }

    fn entry(&mut self, entry: &Entry) {
        if let Some(suspect) = &mut self.suspect {
            return suspect.see(entry);
        }
        if let Some(finding) = self.unsigned.take() {
            self.finding = Some(self.explain(finding, entry));
            return;
        }
        let sound = Hash::of_entry(&entry.prev, &entry.text) == entry.hash;
        let next = entry.seq == self.tip.place.seq.saturating_add(1);
        if sound && next && entry.prev == self.tip.place.hash && entry.agrees {
            return self.accept(entry);
        }
        let nowhere = Tip { place: Place::beginning(), id: None, before: None };
        let tip = std::mem::replace(&mut self.tip, nowhere);
        self.tip.place = tip.place.clone();
        self.suspect = Some(Suspect::new(tip, entry, sound, self.missed.as_ref()));
    }

    fn accept(&mut self, entry: &Entry) {
        if let Some(missed) = self.missed.take() {
            let reason = format!("the checkpoint {} stands before entries that it signs", missed.number);
            return self.found(Kind::Reorder, missed.seq, None, reason);
        }
        let id = entry.id();
        self.tip = Tip {
            place: Place { hash: entry.hash.clone(), seq: entry.seq },
            id,
            before: Some(entry.prev.clone()),
        };
        self.entries = self.entries.saturating_add(1);
        self.first_uncovered.get_or_insert((entry.seq, id));
        self.compare_with_noted(id);
    }

    fn compare_with_noted(&mut self, id: Option<AuditEntryId>) {
        let place = &self.tip.place;
        let other = self.noted.as_ref().filter(|noted| noted.seq == place.seq && noted.hash != place.hash);
        if other.is_some() {
            let reason = "its hash is not the one that was noted".to_owned();
            self.found(Kind::Edit, place.seq, id, reason);
        }
    }

    fn checkpoint(&mut self, signed: &SignedCheckpoint) {
        let opened = self.open(signed);
        if let Some(suspect) = &mut self.suspect {
            return opened.iter().for_each(|statement| suspect.see_checkpoint(statement));
        }
        match opened {
            Ok(statement) => self.follow(statement, signed.hash()),
            Err(kind) => self.unsound(kind, signed),
        }
    }

    /// The statement of a checkpoint, if a key that is trusted has signed it.
    fn open(&self, signed: &SignedCheckpoint) -> Result<Statement, Kind> {
        let statement = signed.read().ok_or(Kind::BadSignature)?;
        let key = self.keys.iter().find(|key| key.id() == statement.key).ok_or(Kind::UnknownKey)?;
        if key.verifies(signed) { Ok(statement) } else { Err(Kind::BadSignature) }
    }

    fn unsound(&mut self, kind: Kind, signed: &SignedCheckpoint) {
        let reason = match (kind, signed.read()) {
            (Kind::UnknownKey, Some(statement)) => {
                format!("the checkpoint {} is signed with the key {}", statement.number, statement.key)
            }
            (_, Some(statement)) => {
                format!("the signature of the checkpoint {} is not right", statement.number)
            }
            (_, None) => "a checkpoint cannot be read".to_owned(),
        };
        let seq = signed.read().map_or(self.tip.place.seq, |statement| statement.seq);
        self.found(kind, seq, None, reason);
    }

    /// Takes a checkpoint whose signature is right: it must be the next one, and sign what has come.
    fn follow(&mut self, statement: Statement, hash: Hash) {
        if self.missed.is_some() {
            return;
        }
        if statement.seq > self.tip.place.seq {
            // Either something is missing here, which the next entry will show, or the end is.
            self.missed = Some(statement);
            return;
        }
        let Statement { number, seq, .. } = statement;
        let before = self.last.as_ref().map(|(last, hash)| (last.number, hash.clone()));
        let before = before.or_else(|| (self.whole && self.anchor.seq == 0).then(|| (0, Hash::genesis())));
        if let Some((last, last_hash)) = before {
            let next = last.saturating_add(1);
            if number > next {
                let reason = format!("the checkpoints {next} to {} are missing", number.saturating_sub(1));
                return self.found(Kind::Deletion, seq, None, reason);
            }
            if number < next {
                return self.found(
                    Kind::Reorder,
                    seq,
                    None,
                    format!("the checkpoint {number} comes after {last}"),
                );
            }
            if statement.previous != last_hash {
                let reason = format!("the checkpoint {number} follows another one than {last}");
                return self.found(Kind::Edit, seq, None, reason);
            }
        }
        if self.successor.as_ref().is_some_and(|key| *key != statement.key) {
            let reason = format!(
                "the checkpoint {number} is signed with the key {}, which was replaced",
                statement.key
            );
            return self.found(Kind::UnknownKey, seq, None, reason);
        }
        if seq < self.tip.place.seq {
            let reason = format!("the checkpoint {number} comes after entries that are newer");
            return self.found(Kind::Reorder, seq, None, reason);
        }
        if statement.hash != self.tip.place.hash {
            self.unsigned = Some(self.differs(&statement));
            return;
        }
        self.first_uncovered = None;
        self.checkpoints = self.checkpoints.saturating_add(1);
        if let Some(next) = &statement.next_key {
            self.hand_over(next);
        }
        self.last = Some((statement, hash));
    }

    /// Trusts the key that a checkpoint names as the next one, since a key that is trusted has signed it.
    fn hand_over(&mut self, next: &str) {
        // One that cannot be read is nobody's: what comes next is signed with another.
        let Ok(key) = PublicKey::from_base64(next) else { return self.successor = Some(next.to_owned()) };
        self.successor = Some(key.id().to_owned());
        self.keys.push(key);
        if let Some(signed) = self.unproven.take()
            && let Err(kind) = self.open(&signed)
        {
            match kind {
                Kind::UnknownKey => self.unproven = Some(signed),
                _ => self.unsound(kind, &signed),
            }
        }
    }

    /// Each entry follows the one before it, but the last is not the one that was signed.
    fn differs(&self, statement: &Statement) -> Finding {
        let (first, id) = self.first_uncovered.unwrap_or((statement.seq, self.tip.id));
        let reason = format!(
            "the entries {first} to {} are not all those that the checkpoint {} signs",
            statement.seq, statement.number
        );
        Finding { kind: Kind::Edit, seq: first, id, reason }
    }

    /// The entry after those that differ from what was signed may show that the last of them was put in.
    fn explain(&self, finding: Finding, entry: &Entry) -> Finding {
        let goes_on = self.tip.before.as_ref() == Some(&entry.prev);
        if goes_on && Hash::of_entry(&entry.prev, &entry.text) == entry.hash {
            let reason = "the chain goes on from the entry before it".to_owned();
            return Finding { kind: Kind::Insertion, seq: self.tip.place.seq, id: self.tip.id, reason };
        }
        finding
    }

    fn found(&mut self, kind: Kind, seq: i64, id: Option<AuditEntryId>, reason: String) {
        self.finding.get_or_insert(Finding { kind, seq, id, reason });
    }

    /// What came of it.
    pub fn finish(mut self) -> Report {
        let suspected = self.suspect.take().map(|suspect| suspect.verdict(self.end.as_ref()));
        let finding = self.finding.take().or(suspected).or(self.unsigned.take());
        let finding = finding.or_else(|| self.boundary_is_unproven());
        let finding = finding.or_else(|| self.end_is_missing()).or_else(|| self.checkpoints_are_missing());
        let signed = self.last.map(|(statement, _)| Place { hash: statement.hash, seq: statement.seq });
        Report {
            entries: self.entries,
            uncovered: self.tip.place.seq.saturating_sub(signed.as_ref().unwrap_or(&self.anchor).seq),
            anchor: self.anchor,
            tip: self.tip.place,
            whole: self.whole,
            checkpoints: self.checkpoints,
            signed,
            finding,
        }
    }

    fn boundary_is_unproven(&self) -> Option<Finding> {
        let statement = self.unproven.as_ref()?.read()?;
        let Statement { number, key, seq, .. } = statement;
        let reason = format!("the checkpoint {number} is signed with the key {key}");
        Some(Finding { kind: Kind::UnknownKey, seq, id: None, reason })
    }

    fn end_is_missing(&self) -> Option<Finding> {
        let tip = &self.tip.place;
        let cut = |reason: String| {
            let (kind, seq) = (Kind::Truncation, tip.seq.saturating_add(1));
            Some(Finding { kind, seq, id: None, reason })
        };
        let here = |kind: Kind, reason: &str| {
            Some(Finding { kind, seq: tip.seq, id: self.tip.id, reason: reason.to_owned() })
        };
        if let Some(missed) = &self.missed {
            return cut(format!("the checkpoint {} signs the entries up to {}", missed.number, missed.seq));
        }
        let Some(end) = &self.end else { return cut("the records break off before their end".to_owned()) };
        let noted = self.noted.as_ref().filter(|noted| noted.seq > tip.seq);
        match noted {
            _ if end.seq > tip.seq => cut(format!("the chain ended at {}", end.seq)),
            _ if end.seq < tip.seq => here(Kind::Insertion, "it stands after the end of the chain"),
            _ if end.hash != tip.hash => here(Kind::Edit, "the chain ended with another entry"),
            Some(noted) => cut(format!("the entry {} was noted", noted.seq)),
            None => None,
        }
    }

    /// None is ever left out: the service signs in the transaction of the thousandth entry.
    fn checkpoints_are_missing(&self) -> Option<Finding> {
        let (seq, id) = self.first_uncovered?;
        let run = self.tip.place.seq.saturating_sub(seq).saturating_add(1);
        (run >= LONGEST_RUN).then(|| Finding {
            kind: Kind::Deletion,
            seq,
            id,
            reason: format!("no checkpoint signs the {run} entries from here: checkpoints are missing"),
        })
    }
}
