//! What the clients did and were told, line by line in a file. Each line is written before the next step is taken, so
//! that the file knows of every write that was answered.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// What a client wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A patient is registered.
    Patient,
    /// A practitioner is added.
    Practitioner,
    /// An appointment is booked.
    Booking,
    /// An appointment is cancelled.
    Cancellation,
}

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// From here on this fault is on its way, happens, and is recovered from.
    Round {
        /// What is done to the platform.
        fault: String,
    },
    /// A client sends a write, for the first time or once more.
    Attempt {
        /// Its name, which is also its idempotency key.
        write: String,
        /// What it is.
        kind: Kind,
    },
    /// What came back does not say whether it was done: it will be sent again.
    Unclear {
        /// The write.
        write: String,
        /// What came back.
        answer: String,
    },
    /// It was done.
    Acknowledged {
        /// The write.
        write: String,
        /// The id of the record in the answer.
        record: String,
    },
    /// It was not done and never will be.
    Refused {
        /// The write.
        write: String,
        /// The status and the code of the refusal.
        code: String,
    },
    /// The client has given up: it may be done or not.
    GivenUp {
        /// The write.
        write: String,
    },
}

/// How a write ended for its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was told that this record is there.
    Acknowledged(String),
    /// It was told that nothing was done.
    Refused(String),
    /// It was told nothing.
    Unknown,
}

/// One write, from its first attempt to its last answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How often it was sent.
    pub attempts: usize,
    /// The round of its last line, counted from 0.
    pub round: usize,
    /// How it ended.
    pub outcome: Outcome,
}

/// A history, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The faults, round by round.
    pub rounds: Vec<String>,
    /// The writes, in the order of their names.
    pub writes: Vec<Write>,
    /// How often each unclear answer came.
    pub unclear: BTreeMap<String, usize>,
}

impl History {
    /// Reads the lines.
    pub fn of(lines: impl IntoIterator<Item = Line>) -> Self {
        let mut history = Self::default();
        let mut writes = BTreeMap::new();
        for line in lines {
            history.take(line, &mut writes);
        }
        history.writes = writes.into_values().collect();
        history
    }

    /// Reads the file of a [`Recorder`].
    pub fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap();
        Self::of(text.lines().map(|line| serde_json::from_str(line).unwrap()))
    }

    fn take(&mut self, line: Line, writes: &mut BTreeMap<String, Write>) {
        let round = self.rounds.len().saturating_sub(1);
        let mut ends = |name: String, outcome| {
            let write =
                writes.get_mut(&name).unwrap_or_else(|| panic!("{name} is answered before it was sent"));
            write.round = round;
            write.outcome = outcome;
        };
        match line {
            Line::Round { fault } => self.rounds.push(fault),
            Line::Unclear { answer, .. } => *self.unclear.entry(answer).or_default() += 1,
            Line::Acknowledged { write, record } => ends(write, Outcome::Acknowledged(record)),
            Line::Refused { write, code } => ends(write, Outcome::Refused(code)),
            Line::GivenUp { write } => ends(write, Outcome::Unknown),
            Line::Attempt { write: name, kind } => {
                let unknown =
                    Write { name: name.clone(), kind, attempts: 0, round, outcome: Outcome::Unknown };
                let write = writes.entry(name).or_insert(unknown);
                write.attempts += 1;
                write.round = round;
            }
        }
    }
}

/// Writes a history down.
pub struct Recorder {
    path: PathBuf,
    file: Mutex<File>,
}

impl Recorder {
    /// Begins a new file.
    pub fn create(path: PathBuf) -> Self {
        let file = Mutex::new(File::create(&path).unwrap());
        Self { path, file }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line. It is with the system before this returns; the machine itself is not among what is killed.
    pub fn note(&self, line: &Line) {
        let mut text = serde_json::to_string(line).unwrap();
        text.push('\n');
        self.file.lock().write_all(text.as_bytes()).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(write: &str) -> Line {
        Line::Attempt { write: write.into(), kind: Kind::Booking }
    }

    #[test]
    fn a_write_belongs_to_the_round_of_its_last_line() {
        let lines = [
            Line::Round { fault: "none".into() },
            attempt("a"),
            attempt("b"),
            attempt("c"),
            Line::Unclear { write: "a".into(), answer: "503".into() },
            Line::Refused { write: "b".into(), code: "409 SLOT_TAKEN".into() },
            Line::Round { fault: "kill user".into() },
            attempt("a"),
            Line::Acknowledged { write: "a".into(), record: "1".into() },
        ];
        let write = |name: &str, attempts, round, outcome| Write {
            name: name.into(),
            kind: Kind::Booking,
            attempts,
            round,
            outcome,
        };
        let expected = History {
            rounds: vec!["none".into(), "kill user".into()],
            writes: vec![
                write("a", 2, 1, Outcome::Acknowledged("1".into())),
                write("b", 1, 0, Outcome::Refused("409 SLOT_TAKEN".into())),
                write("c", 1, 0, Outcome::Unknown),
            ],
            unclear: BTreeMap::from([("503".into(), 1)]),
        };
        assert_eq!(History::of(lines), expected);
    }

    #[test]
    fn what_was_noted_is_read() {
        let file = std::env::temp_dir().join(format!("hms-crash-{}.jsonl", hms_tests::records::unique()));
        let recorder = Recorder::create(file.clone());
        recorder.note(&Line::Round { fault: "none".into() });
        recorder.note(&attempt("a"));
        let history = History::read(recorder.path());
        std::fs::remove_file(file).unwrap();
        assert_eq!(history, History::of([Line::Round { fault: "none".into() }, attempt("a")]));
    }
}
