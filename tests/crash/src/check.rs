//! The checker: what the clients were told against what is there. Pure, so that it can be tested itself.
//!
//! Each write has an effect with its owner (the row that carries its name) and consequences elsewhere: copies of the
//! record in other services, an entry of the audit, a message. A write that was acknowledged has each of them exactly
//! once, and so has one whose client was told nothing and whose row is there: an effect is whole. One that was refused
//! has none.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use crate::history::{History, Kind, Outcome, Write};

/// Where the consequences of a write show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The row of the service that owns the record.
    Owner,
    /// The links between records and accounts, of the auth service.
    Links,
    /// The directory of the appointment service.
    Directory,
    /// The patients that the notification service knows.
    Recipients,
    /// The audit.
    Audit,
    /// The messages to patients.
    Messages,
}

impl Kind {
    /// Where a write of this kind has consequences beside its owner.
    pub fn consequences(self) -> &'static [Place] {
        match self {
            Self::Patient => &[Place::Links, Place::Directory, Place::Recipients, Place::Audit],
            Self::Practitioner => &[Place::Links, Place::Directory, Place::Audit],
            Self::Booking | Self::Cancellation => &[Place::Audit, Place::Messages],
        }
    }
}

/// A row of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The kind of write it comes from.
    pub kind: Kind,
    /// The name of the write, which it carries.
    pub write: String,
    /// Its id.
    pub record: String,
}

/// What is there.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The rows of the owners.
    pub owned: Vec<Owned>,
    /// For each kind of write and place, the record that each row there is about.
    pub elsewhere: BTreeMap<(Kind, Place), Vec<String>>,
}

impl Facts {
    /// Without what was there before.
    #[must_use]
    pub fn since(mut self, before: &Self) -> Self {
        self.owned.retain(|row| !before.owned.contains(row));
        for (place, records) in &mut self.elsewhere {
            for known in before.elsewhere.get(place).into_iter().flatten() {
                if let Some(at) = records.iter().position(|record| record == known) {
                    records.swap_remove(at);
                }
            }
        }
        self
    }
}

/// What is wrong with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// It should be there and is not.
    Lost,
    /// It is there more than once.
    Doubled,
    /// It is there although nobody was told so: it was refused, or nobody asked for it.
    Stray,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What is wrong.
    pub wrong: Wrong,
    /// The name of the write, or the id of the record where no write is known.
    pub write: String,
    /// Where.
    pub place: Place,
    /// The round of the write; none where no write is known.
    pub round: Option<usize>,
}

/// Compares. An empty answer says that all is well.
pub fn check(history: &History, facts: &Facts) -> Vec<Finding> {
    let index = Index::of(facts);
    let mut findings: Vec<_> = history.writes.iter().flat_map(|write| index.findings(write)).collect();
    findings.extend(unasked(history, facts));
    findings.sort();
    findings
}

/// The facts, by what they are looked up by.
struct Index<'a> {
    owned: HashMap<(Kind, &'a str), Vec<&'a str>>,
    elsewhere: HashMap<(Kind, Place, &'a str), usize>,
}

impl<'a> Index<'a> {
    fn of(facts: &'a Facts) -> Self {
        let mut index = Self { owned: HashMap::new(), elsewhere: HashMap::new() };
        for row in &facts.owned {
            index.owned.entry((row.kind, &row.write)).or_default().push(&row.record);
        }
        for ((kind, place), records) in &facts.elsewhere {
            for record in records {
                *index.elsewhere.entry((*kind, *place, record)).or_default() += 1;
            }
        }
        index
    }

    fn findings(&self, write: &Write) -> Vec<Finding> {
        let rows = self.owned.get(&(write.kind, write.name.as_str())).map_or(&[][..], Vec::as_slice);
        let found =
            |wrong, place| Finding { wrong, write: write.name.clone(), place, round: Some(write.round) };
        match (&write.outcome, rows) {
            (Outcome::Refused(_) | Outcome::Unknown, []) => Vec::new(),
            (Outcome::Refused(_), _) => vec![found(Wrong::Stray, Place::Owner)],
            (Outcome::Acknowledged(record), rows) => {
                let there = rows.iter().filter(|row| **row == record).count();
                let owner = wrong(there.min(1)).or(wrong(rows.len()));
                let owner = owner.map(|wrong| found(wrong, Place::Owner));
                owner.into_iter().chain(self.consequences(write, record, found)).collect()
            }
            (Outcome::Unknown, [record]) => self.consequences(write, record, found).collect(),
            (Outcome::Unknown, _) => vec![found(Wrong::Doubled, Place::Owner)],
        }
    }

    fn consequences(
        &self,
        write: &Write,
        record: &str,
        found: impl Fn(Wrong, Place) -> Finding,
    ) -> impl Iterator<Item = Finding> {
        let count = |place| self.elsewhere.get(&(write.kind, place, record)).copied().unwrap_or(0);
        write.kind.consequences().iter().filter_map(move |place| Some(found(wrong(count(*place))?, *place)))
    }
}

fn wrong(count: usize) -> Option<Wrong> {
    match count {
        0 => Some(Wrong::Lost),
        1 => None,
        _ => Some(Wrong::Doubled),
    }
}

/// Rows that belong to no write, and consequences of records that no owner has.
fn unasked(history: &History, facts: &Facts) -> Vec<Finding> {
    let stray =
        |name: &str, place| Finding { wrong: Wrong::Stray, write: name.to_owned(), place, round: None };
    let asked: HashSet<_> = history.writes.iter().map(|write| (write.kind, write.name.as_str())).collect();
    let owned = facts.owned.iter().filter(|row| !asked.contains(&(row.kind, row.write.as_str())));
    let mut strays: Vec<_> = owned.map(|row| stray(&row.write, Place::Owner)).collect();
    let known: HashSet<_> = facts.owned.iter().map(|row| (row.kind, row.record.as_str())).collect();
    for ((kind, place), records) in &facts.elsewhere {
        let unknown = records.iter().filter(|record| !known.contains(&(*kind, record.as_str())));
        strays.extend(unknown.map(|record| stray(record, *place)));
    }
    strays
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Owner => "with its owner",
            Self::Links => "in the links of the auth service",
            Self::Directory => "in the directory of the appointment service",
            Self::Recipients => "among the patients of the notification service",
            Self::Audit => "in the audit",
            Self::Messages => "among the messages",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong = match self.wrong {
            Wrong::Lost => "lost",
            Wrong::Doubled => "doubled",
            Wrong::Stray => "there although nobody was told so",
        };
        write!(f, "{} is {wrong} {}", self.write, self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Line;

    const ALL: [Kind; 4] = [Kind::Patient, Kind::Practitioner, Kind::Booking, Kind::Cancellation];

    /// What is there when a write of each kind, named as its record, was done once.
    fn good() -> Facts {
        let mut facts = Facts::default();
        for kind in ALL {
            let record = format!("{kind:?}");
            facts.owned.push(Owned { kind, write: record.clone(), record: record.clone() });
            for place in kind.consequences() {
                facts.elsewhere.insert((kind, *place), vec![record.clone()]);
            }
        }
        facts
    }

    /// Each kind was acknowledged in a round of its own.
    fn acknowledged() -> Vec<Line> {
        ALL.into_iter()
            .flat_map(|kind| {
                let write = format!("{kind:?}");
                let attempt = Line::Attempt { write: write.clone(), kind };
                let record = write.clone();
                [Line::Round { fault: write.clone() }, attempt, Line::Acknowledged { write, record }]
            })
            .collect()
    }

    fn finding(wrong: Wrong, write: &str, place: Place, round: Option<usize>) -> Finding {
        Finding { wrong, write: write.into(), place, round }
    }

    #[test]
    fn what_is_there_once_is_well() {
        assert_eq!(check(&History::of(acknowledged()), &good()), []);
    }

    #[test]
    fn what_was_there_before_counts_once() {
        let mut facts = good();
        facts.owned.push(Owned { kind: Kind::Patient, write: "new".into(), record: "new".into() });
        facts
            .elsewhere
            .get_mut(&(Kind::Patient, Place::Audit))
            .unwrap()
            .extend(["new".into(), "Patient".into()]);
        let since = facts.since(&good());
        assert_eq!(since.owned.len(), 1);
        assert_eq!(since.elsewhere[&(Kind::Patient, Place::Audit)], ["Patient", "new"]);
        assert!(since.elsewhere[&(Kind::Booking, Place::Audit)].is_empty());
    }

    #[test]
    fn one_lost_and_one_doubled_write_are_told() {
        let mut facts = good();
        facts.owned.retain(|row| row.kind != Kind::Booking);
        facts.elsewhere.retain(|(kind, _), _| *kind != Kind::Booking);
        let again = Owned { kind: Kind::Patient, write: "Patient".into(), record: "another".into() };
        facts.owned.push(again);
        let expected = [
            finding(Wrong::Lost, "Booking", Place::Owner, Some(2)),
            finding(Wrong::Lost, "Booking", Place::Audit, Some(2)),
            finding(Wrong::Lost, "Booking", Place::Messages, Some(2)),
            finding(Wrong::Doubled, "Patient", Place::Owner, Some(0)),
        ];
        assert_eq!(check(&History::of(acknowledged()), &facts), expected);
    }

    #[test]
    fn each_consequence_is_counted() {
        for kind in ALL {
            let (name, round) = (format!("{kind:?}"), ALL.iter().position(|other| *other == kind));
            for place in kind.consequences() {
                let mut facts = good();
                facts.elsewhere.get_mut(&(kind, *place)).unwrap().clear();
                let lost = finding(Wrong::Lost, &name, *place, round);
                assert_eq!(check(&History::of(acknowledged()), &facts), [lost]);
                facts.elsewhere.insert((kind, *place), vec![name.clone(), name.clone()]);
                let doubled = finding(Wrong::Doubled, &name, *place, round);
                assert_eq!(check(&History::of(acknowledged()), &facts), [doubled]);
            }
        }
    }

    #[test]
    fn an_answer_that_names_another_record_is_a_loss() {
        let mut facts = good();
        facts.owned[0].record = "other".into();
        for place in Kind::Patient.consequences() {
            facts.elsewhere.insert((Kind::Patient, *place), vec!["other".into()]);
        }
        let findings = check(&History::of(acknowledged()), &facts);
        assert!(findings.contains(&finding(Wrong::Lost, "Patient", Place::Owner, Some(0))), "{findings:?}");
    }

    #[test]
    fn what_was_refused_must_not_be_there() {
        let mut lines = acknowledged();
        lines[2] = Line::Refused { write: "Patient".into(), code: "409 SLOT_TAKEN".into() };
        let stray = finding(Wrong::Stray, "Patient", Place::Owner, Some(0));
        assert_eq!(check(&History::of(lines), &good()), [stray]);
    }

    #[test]
    fn what_nobody_was_told_of_may_be_there_or_not_but_whole_and_once() {
        let mut lines = acknowledged();
        lines[2] = Line::GivenUp { write: "Patient".into() };
        let history = History::of(lines);
        assert_eq!(check(&history, &good()), []);
        let mut absent = good();
        absent.owned.retain(|row| row.kind != Kind::Patient);
        absent.elsewhere.retain(|(kind, _), _| *kind != Kind::Patient);
        assert_eq!(check(&history, &absent), []);
        let mut torn = good();
        torn.elsewhere.remove(&(Kind::Patient, Place::Audit));
        assert_eq!(check(&history, &torn), [finding(Wrong::Lost, "Patient", Place::Audit, Some(0))]);
        let mut twice = good();
        twice.owned.push(twice.owned[0].clone());
        assert_eq!(check(&history, &twice), [finding(Wrong::Doubled, "Patient", Place::Owner, Some(0))]);
    }

    #[test]
    fn what_nobody_asked_for_is_told() {
        let mut facts = good();
        facts.owned.push(Owned { kind: Kind::Booking, write: "ghost".into(), record: "ghost".into() });
        facts.elsewhere.get_mut(&(Kind::Booking, Place::Messages)).unwrap().push("nothing".into());
        let expected = [
            finding(Wrong::Stray, "ghost", Place::Owner, None),
            finding(Wrong::Stray, "nothing", Place::Messages, None),
        ];
        assert_eq!(check(&History::of(acknowledged()), &facts), expected);
    }
}
