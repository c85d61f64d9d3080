//! A chain in memory, and what can be done to it.

use chrono::{DateTime, TimeDelta};
use hms_audit::chain::{
    Entry, Hash, Head, KeyRecord, LastCheckpoint, Place, PublicKey, Record, Report, SignedCheckpoint, Signer,
    Start, Verifier,
};
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::id::Id;
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;
use uuid::Uuid;

/// A chain as the tables have it.
pub struct Chain {
    pub entries: Vec<Entry>,
    /// Each with the number of the entry that it is kept under.
    pub signed: Vec<(i64, SignedCheckpoint)>,
    pub end: Place,
    pub start: Start,
    pub boundary: Option<SignedCheckpoint>,
    pub signer: Signer,
    pub head: Head,
}

pub fn signer() -> Signer {
    Signer::new(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref()).unwrap()
}

pub fn act(number: usize) -> AuditEntry {
    AuditEntry {
        id: Id::from_uuid(Uuid::from_u128(number as u128)),
        at: DateTime::UNIX_EPOCH + TimeDelta::seconds(number as i64),
        service: "user".into(),
        actor: Actor { account_id: None, roles: vec![] },
        action: Action::Read,
        resource: "patient".into(),
        resource_id: None,
        patient_ids: vec![],
        outcome: Outcome::Success,
        detail: Some(format!("act {number}")),
        request_id: None,
        source_ip: None,
    }
}

impl Chain {
    /// A chain of so many entries, with a checkpoint after each of these.
    pub fn of(count: usize, signed_after: &[usize]) -> Self {
        let beginning = LastCheckpoint { number: 0, seq: 0, hash: Hash::genesis() };
        let mut chain = Self {
            entries: Vec::new(),
            signed: Vec::new(),
            end: Place::beginning(),
            start: Start { anchor: Place::beginning(), whole: true },
            boundary: None,
            signer: signer(),
            head: Head {
                tip: Place::beginning(),
                checkpoint: beginning,
                boundary: Place::beginning(),
                waiting_since: None,
            },
        };
        for number in 1..=count {
            chain.add();
            if signed_after.contains(&number) {
                chain.sign();
            }
        }
        chain.end = chain.head.tip.clone();
        chain
    }

    pub fn sign(&mut self) {
        let (statement, signed) = self.head.sign(&self.signer, None, DateTime::UNIX_EPOCH).unwrap();
        self.signed.push((statement.seq, signed));
    }

    /// Signs once more with the present key, which names the next; gives the present one back.
    pub fn hand_over(&mut self) -> Signer {
        let next = signer();
        let (statement, signed) =
            self.head.sign(&self.signer, Some(next.public()), DateTime::UNIX_EPOCH).unwrap();
        self.signed.push((statement.seq, signed));
        std::mem::replace(&mut self.signer, next)
    }

    /// Adds so many entries, and signs the last one.
    pub fn grow(&mut self, count: usize) {
        for _ in 0..count {
            self.add();
        }
        self.sign();
        self.end = self.head.tip.clone();
    }

    fn add(&mut self) {
        let entry = act(self.entries.len() + 1);
        let link = self.head.link(&entry).unwrap();
        self.head.append(&link, entry.at);
        let (prev, hash, text, seq) = (link.prev, link.hash, link.text, link.seq);
        self.entries.push(Entry { seq, prev, hash, text, id: Some(entry.id), agrees: true });
    }

    /// Prunes up to this entry.
    pub fn prune(&mut self, through: i64) {
        let last = self.entries.iter().find(|entry| entry.seq == through).unwrap();
        self.head.boundary = Place { hash: last.hash.clone(), seq: through };
        self.start.anchor = self.head.boundary.clone();
        self.entries.retain(|entry| entry.seq > through);
        self.sign();
        let newest = self.signed.last().unwrap().clone();
        self.signed.retain(|(seq, signed)| *seq > through || *signed == newest.1);
        self.boundary = Some(newest.1);
    }

    /// The records in the order of the numbers, as a walk along the tables has them.
    pub fn records(&self) -> Vec<Record> {
        let mut rows: Vec<(i64, i64, Record)> =
            self.entries.iter().map(|entry| (entry.seq, -1, Record::Entry(entry.clone()))).collect();
        let signed = self.signed.iter().enumerate();
        rows.extend(signed.map(|(at, (seq, signed))| (*seq, at as i64, Record::Checkpoint(signed.clone()))));
        rows.sort_by_key(|(seq, at, _)| (*seq, *at));
        let key = KeyRecord { id: self.signer.id().into(), public_key: self.signer.public().base64() };
        let mut records = vec![Record::Start(self.start.clone()), Record::Key(key)];
        records.extend(self.boundary.clone().map(Record::Boundary));
        records.extend(rows.into_iter().map(|(_, _, record)| record));
        records.push(Record::End(self.end.clone()));
        records
    }

    pub fn key(&self) -> PublicKey {
        self.signer.public().clone()
    }

    pub fn check(&self) -> Report {
        check(self.records(), Some(vec![self.key()]))
    }

    /// Moves the numbers of all that stands at `at` and after it.
    pub fn renumber(&mut self, at: usize, by: i64) {
        self.entries[at..].iter_mut().for_each(|entry| entry.seq += by);
    }

    /// Makes the hashes right again from `at` on, as somebody would who knows how but has no key.
    pub fn rechain(&mut self, at: usize) {
        let mut prev = match at {
            0 => Hash::genesis(),
            _ => self.entries[at - 1].hash.clone(),
        };
        for entry in &mut self.entries[at..] {
            entry.prev = prev;
            entry.hash = Hash::of_entry(&entry.prev, &entry.text);
            prev = entry.hash.clone();
        }
    }

    /// A forged entry that names this one as its predecessor.
    pub fn forged(&self, seq: i64, prev: Hash, sound: bool) -> Entry {
        let text = serde_json::to_string(&act(1_000_000)).unwrap();
        let hash = if sound { Hash::of_entry(&prev, &text) } else { Hash::of_statement("forged") };
        Entry { seq, prev, hash, text, id: None, agrees: true }
    }

    /// Swaps all that two entries hold, but not their numbers.
    pub fn swap(&mut self, one: usize, other: usize) {
        self.entries.swap(one, other);
        let seq = self.entries[one].seq;
        self.entries[one].seq = self.entries[other].seq;
        self.entries[other].seq = seq;
    }
}

pub fn check(records: Vec<Record>, trusted: Option<Vec<PublicKey>>) -> Report {
    check_noted(records, trusted, None)
}

pub fn check_noted(records: Vec<Record>, trusted: Option<Vec<PublicKey>>, noted: Option<Place>) -> Report {
    let mut verifier = Verifier::new(trusted, noted);
    for record in records {
        verifier.take(record);
    }
    verifier.finish()
}
