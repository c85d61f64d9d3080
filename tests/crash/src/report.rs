//! What a run has to say: the table, and what is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::check::{Facts, Finding, Wrong, check};
use crate::history::{History, Outcome};

/// Refusals that clients cause themselves: two want one slot, or the copy of a patient has not arrived yet.
const EXPECTED: [&str; 2] = ["409 SLOT_TAKEN", "422 UNKNOWN_REFERENCE"];
/// Findings that are shown one by one.
const SHOWN: usize = 20;

/// The outcome of a run.
#[derive(Debug)]
pub struct Report {
    rows: Vec<Row>,
    findings: Vec<Finding>,
    refused: BTreeMap<String, usize>,
    unclear: BTreeMap<String, usize>,
    repeated: usize,
    unknown: usize,
    /// What else went wrong, in words.
    pub faults: Vec<String>,
    /// What else is worth a line.
    pub notes: Vec<String>,
}

/// One fault, all its rounds together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub fault: String,
    /// How often.
    pub injected: usize,
    /// Writes that were acknowledged before, while and after it happened.
    pub acknowledged: usize,
    /// Those that are not there, or not everywhere.
    pub lost: usize,
    /// Those that are there twice.
    pub doubled: usize,
    /// Those that are there although nobody was told so.
    pub stray: usize,
}

impl Report {
    /// Compares what the clients were told with what is there.
    pub fn of(history: &History, facts: &Facts) -> Self {
        let findings = check(history, facts);
        let mut refused = BTreeMap::new();
        for write in &history.writes {
            if let Outcome::Refused(code) = &write.outcome {
                *refused.entry(code.clone()).or_default() += 1;
            }
        }
        let count =
            |is: fn(&Outcome) -> bool| history.writes.iter().filter(|write| is(&write.outcome)).count();
        Self {
            rows: rows(history, &findings),
            findings,
            refused,
            unclear: history.unclear.clone(),
            repeated: history.writes.iter().filter(|write| write.attempts > 1).count(),
            unknown: count(|outcome| *outcome == Outcome::Unknown),
            faults: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The sum of all faults.
    pub fn total(&self) -> Row {
        let sum = |of: fn(&Row) -> usize| self.rows.iter().map(of).sum();
        Row {
            fault: "all".to_owned(),
            injected: sum(|row| row.injected),
            acknowledged: sum(|row| row.acknowledged),
            lost: sum(|row| row.lost),
            doubled: sum(|row| row.doubled),
            stray: self.wrong(Wrong::Stray),
        }
    }

    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty() && self.faults.is_empty() && self.surprises().next().is_none()
    }

    /// Refusals that nothing explains.
    fn surprises(&self) -> impl Iterator<Item = &String> {
        self.refused.keys().filter(|code| !EXPECTED.contains(&code.as_str()))
    }

    fn wrong(&self, wrong: Wrong) -> usize {
        writes_with(&self.findings, wrong, None)
    }
}

/// The rounds by their fault, in the order in which the faults came first. What precedes all faults injects nothing.
fn rows(history: &History, findings: &[Finding]) -> Vec<Row> {
    let mut rows: Vec<(Row, BTreeSet<usize>)> = Vec::new();
    for (round, fault) in history.rounds.iter().enumerate() {
        let at = rows.iter().position(|(row, _)| row.fault == *fault).unwrap_or_else(|| {
            let row =
                Row { fault: fault.clone(), injected: 0, acknowledged: 0, lost: 0, doubled: 0, stray: 0 };
            rows.push((row, BTreeSet::new()));
            rows.len() - 1
        });
        rows[at].0.injected += usize::from(round > 0);
        rows[at].1.insert(round);
    }
    for (row, rounds) in &mut rows {
        let acknowledged = |outcome: &Outcome| matches!(outcome, Outcome::Acknowledged(_));
        let own = history.writes.iter().filter(|write| rounds.contains(&write.round));
        row.acknowledged = own.filter(|write| acknowledged(&write.outcome)).count();
        row.lost = writes_with(findings, Wrong::Lost, Some(rounds));
        row.doubled = writes_with(findings, Wrong::Doubled, Some(rounds));
        row.stray = writes_with(findings, Wrong::Stray, Some(rounds));
    }
    rows.into_iter().map(|(row, _)| row).collect()
}

/// How many writes have such a finding, in these rounds or anywhere.
fn writes_with(findings: &[Finding], wrong: Wrong, rounds: Option<&BTreeSet<usize>>) -> usize {
    let matching = findings.iter().filter(|finding| finding.wrong == wrong).filter(|finding| match rounds {
        Some(rounds) => finding.round.is_some_and(|round| rounds.contains(&round)),
        None => true,
    });
    matching.map(|finding| &finding.write).collect::<BTreeSet<_>>().len()
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, injected, acknowledged, lost, doubled, stray } = self;
        write!(f, "{fault:<50} {injected:>8} {acknowledged:>12} {lost:>6} {doubled:>8} {stray:>6}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<50} {:>8} {:>12} {:>6} {:>8} {:>6}",
            "fault", "injected", "acknowledged", "lost", "doubled", "stray"
        )?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        writeln!(f, "{}", self.total())?;
        writeln!(f, "sent more than once: {}; never answered: {}", self.repeated, self.unknown)?;
        writeln!(f, "refused: {:?}", self.refused)?;
        writeln!(f, "not answered at once: {:?}", self.unclear)?;
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        for surprise in self.surprises() {
            writeln!(f, "WRONG: refused without a reason: {surprise}")?;
        }
        for finding in self.findings.iter().take(SHOWN) {
            writeln!(f, "WRONG: {finding}")?;
        }
        if self.findings.len() > SHOWN {
            writeln!(f, "WRONG: and {} more", self.findings.len() - SHOWN)?;
        }
        self.faults.iter().try_for_each(|fault| writeln!(f, "WRONG: {fault}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Owned, Place};
    use crate::history::{Kind, Line};

    fn facts(bookings: &[(&str, &str)]) -> Facts {
        let mut facts = Facts::default();
        for (write, record) in bookings {
            let owned = Owned { kind: Kind::Booking, write: (*write).into(), record: (*record).into() };
            facts.owned.push(owned);
            for place in [Place::Audit, Place::Messages] {
                facts.elsewhere.entry((Kind::Booking, place)).or_default().push((*record).to_owned());
            }
        }
        facts
    }

    fn booked(write: &str) -> [Line; 2] {
        let attempt = Line::Attempt { write: write.into(), kind: Kind::Booking };
        [attempt, Line::Acknowledged { write: write.into(), record: write.into() }]
    }

    fn round(fault: &str) -> [Line; 1] {
        [Line::Round { fault: fault.into() }]
    }

    /// One round before all faults, then two faults, the first of them twice.
    fn history() -> History {
        let lines: Vec<Line> = round("none yet")
            .into_iter()
            .chain(booked("a"))
            .chain(round("kill"))
            .chain(booked("b"))
            .chain(round("stop"))
            .chain(booked("c"))
            .chain(round("kill"))
            .chain(booked("d"))
            .collect();
        History::of(lines)
    }

    #[test]
    fn one_lost_and_one_doubled_write_stand_beside_their_faults() {
        let report = Report::of(&history(), &facts(&[("a", "a"), ("b", "b"), ("c", "c"), ("c", "x")]));
        let row = |fault: &str, injected, acknowledged, lost, doubled| Row {
            fault: fault.into(),
            injected,
            acknowledged,
            lost,
            doubled,
            stray: 0,
        };
        assert!(!report.is_good());
        let rows = [row("none yet", 0, 1, 0, 0), row("kill", 2, 2, 1, 0), row("stop", 1, 1, 0, 1)];
        assert_eq!(report.rows, rows);
        assert_eq!(report.total(), row("all", 3, 4, 1, 1));
        let text = report.to_string();
        assert!(text.contains("WRONG: d is lost with its owner"), "{text}");
        assert!(text.contains("WRONG: c is doubled with its owner"), "{text}");
    }

    #[test]
    fn all_there_once_is_good_unless_something_else_is_wrong() {
        let facts = facts(&[("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
        let mut report = Report::of(&history(), &facts);
        assert!(report.is_good(), "{report}");
        report.faults.push("a dead letter".into());
        assert!(!report.is_good());
    }

    #[test]
    fn a_refusal_that_nothing_explains_is_wrong() {
        let refused = |code: &str| {
            let attempt = Line::Attempt { write: "a".into(), kind: Kind::Booking };
            let lines = [attempt, Line::Refused { write: "a".into(), code: code.into() }];
            Report::of(&History::of(round("none yet").into_iter().chain(lines)), &Facts::default())
        };
        assert!(refused("409 SLOT_TAKEN").is_good());
        assert!(!refused("401 UNAUTHENTICATED").is_good());
    }
}
