//! The chain as a row of records: what the verifier reads, from the database or from an export, and what each line
//! of an export is.

use hms_model::id::AuditEntryId;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::{Hash, Place, SignedCheckpoint};

/// The form of an export.
const FORMAT: &str = "hms-audit 1";

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// Where the entries begin. Always the first.
    Start(Start),
    /// A key that checkpoints are signed with.
    Key(KeyRecord),
    /// The checkpoint that says up to where the chain has been pruned.
    Boundary(SignedCheckpoint),
    /// An entry; they come in the order of the chain.
    Entry(Entry),
    /// A checkpoint; it comes after the entry that it signs.
    Checkpoint(SignedCheckpoint),
    /// The last entry. Always the last record.
    End(Place),
}

/// Where the entries begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The entry before the first.
    pub anchor: Place,
    /// Whether it is the whole chain as far as it has not been pruned, or a part of it.
    pub whole: bool,
}

/// A public key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyRecord {
    /// Its id.
    pub id: String,
    /// Its 32 bytes in base64.
    pub public_key: String,
}

/// An entry with its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number.
    pub seq: i64,
    /// The hash of the entry before it.
    pub prev: Hash,
    /// Its own hash.
    pub hash: Hash,
    /// Its canonical text.
    pub text: String,
    /// The id that it is kept under; none where only the text tells.
    pub id: Option<AuditEntryId>,
    /// Whether all that is kept beside the text, to find the entry by, says what the text says.
    pub agrees: bool,
}

/// A line that is no record.
#[derive(Debug, thiserror::Error)]
#[error("is no line of an export of the audit")]
pub struct Unreadable(#[source] Option<serde_json::Error>);

impl Entry {
    /// The id it is kept under, or else the one in its text.
    pub fn id(&self) -> Option<AuditEntryId> {
        #[derive(Deserialize)]
        struct OnlyId {
            id: AuditEntryId,
        }
        self.id.or_else(|| serde_json::from_str::<OnlyId>(&self.text).ok().map(|only| only.id))
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Start { format: &'a str, whole: bool, anchor: &'a Place },
    Key { id: &'a str, algorithm: &'a str, public_key: &'a str },
    Boundary { statement: Box<RawValue>, signature: &'a str },
    Entry { seq: i64, prev: &'a Hash, hash: &'a Hash, entry: Box<RawValue> },
    Checkpoint { statement: Box<RawValue>, signature: &'a str },
    End { seq: i64, hash: &'a Hash },
}

impl Record {
    /// The line of it, with its line feed.
    pub fn line(&self) -> serde_json::Result<String> {
        let line = match self {
            Self::Start(start) => Line::Start { format: FORMAT, whole: start.whole, anchor: &start.anchor },
            Self::Key(key) => Line::Key { id: &key.id, algorithm: "Ed25519", public_key: &key.public_key },
            Self::Boundary(signed) => {
                Line::Boundary { statement: raw(&signed.statement)?, signature: &signed.signature }
            }
            Self::Entry(entry) => {
                Line::Entry { seq: entry.seq, prev: &entry.prev, hash: &entry.hash, entry: raw(&entry.text)? }
            }
            Self::Checkpoint(signed) => {
                Line::Checkpoint { statement: raw(&signed.statement)?, signature: &signed.signature }
            }
            Self::End(place) => Line::End { seq: place.seq, hash: &place.hash },
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads a line.
    pub fn parse(line: &str) -> Result<Self, Unreadable> {
        let Tag { kind } = read(line)?;
        match kind.as_str() {
            "start" => read(line).and_then(start),
            "key" => read(line).map(|line: KeyLine| Self::Key(line.into())),
            "boundary" => read(line).map(|line: SignedLine| Self::Boundary(line.into())),
            "entry" => read(line).map(|line: EntryLine| Self::Entry(line.into())),
            "checkpoint" => read(line).map(|line: SignedLine| Self::Checkpoint(line.into())),
            "end" => read(line).map(|line: EndLine| Self::End(line.into())),
            _ => Err(Unreadable(None)),
        }
    }
}

fn read<T: DeserializeOwned>(line: &str) -> Result<T, Unreadable> {
    serde_json::from_str(line).map_err(|error| Unreadable(Some(error)))
}

fn start(line: StartLine) -> Result<Record, Unreadable> {
    match line.format.as_str() {
        FORMAT => Ok(Record::Start(Start { anchor: line.anchor, whole: line.whole })),
        _ => Err(Unreadable(None)),
    }
}

/// The text as it is, where it can stand in a line. What somebody has put into the database may be no JSON, or of
/// several lines; it is shown as a string then, which no hash fits.
fn raw(text: &str) -> serde_json::Result<Box<RawValue>> {
    match RawValue::from_string(text.to_owned()) {
        Ok(value) if !text.contains(['\n', '\r']) => Ok(value),
        _ => to_raw_value(text),
    }
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartLine {
    #[serde(rename = "type")]
    _kind: IgnoredAny,
    format: String,
    whole: bool,
    anchor: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyLine {
    #[serde(rename = "type")]
    _kind: IgnoredAny,
    id: String,
    #[serde(rename = "algorithm")]
    _algorithm: IgnoredAny,
    public_key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine {
    #[serde(rename = "type")]
    _kind: IgnoredAny,
    seq: i64,
    prev: Hash,
    hash: Hash,
    entry: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedLine {
    #[serde(rename = "type")]
    _kind: IgnoredAny,
    statement: Box<RawValue>,
    signature: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    #[serde(rename = "type")]
    _kind: IgnoredAny,
    seq: i64,
    hash: Hash,
}

impl From<KeyLine> for KeyRecord {
    fn from(line: KeyLine) -> Self {
        Self { id: line.id, public_key: line.public_key }
    }
}

impl From<EntryLine> for Entry {
    fn from(line: EntryLine) -> Self {
        let text = String::from(Box::<str>::from(line.entry));
        Self { seq: line.seq, prev: line.prev, hash: line.hash, text, id: None, agrees: true }
    }
}

impl From<SignedLine> for SignedCheckpoint {
    fn from(line: SignedLine) -> Self {
        Self { statement: String::from(Box::<str>::from(line.statement)), signature: line.signature }
    }
}

impl From<EndLine> for Place {
    fn from(line: EndLine) -> Self {
        Self { hash: line.hash, seq: line.seq }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Record {
        Record::Entry(Entry {
            seq: 1,
            prev: Hash::genesis(),
            hash: Hash::kept("h"),
            text: text.to_owned(),
            id: None,
            agrees: true,
        })
    }

    #[test]
    fn each_record_is_a_line_and_is_read_back() {
        let signed = || SignedCheckpoint { statement: r#"{"seq":1}"#.into(), signature: "c2ln".into() };
        let records = [
            Record::Start(Start { anchor: Place::beginning(), whole: true }),
            Record::Key(KeyRecord { id: "k".into(), public_key: "AAAA".into() }),
            Record::Boundary(signed()),
            // Byte for byte, whatever its order and its spaces.
            entry(r#"{"b": 1,"a":"\u00e9"}"#),
            Record::Checkpoint(signed()),
            Record::End(Place::beginning()),
        ];
        for record in records {
            let line = record.line().unwrap();
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert_eq!(Record::parse(&line).unwrap(), record, "{line}");
        }
    }

    #[test]
    fn a_text_that_cannot_stand_in_a_line_becomes_a_string() {
        for text in ["no json", "{\n}", "{\"a\":1}x"] {
            let line = entry(text).line().unwrap();
            let Record::Entry(read) = Record::parse(&line).unwrap() else { panic!("{line}") };
            assert_eq!(serde_json::from_str::<String>(&read.text).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_record_is_not_read() {
        let lines = [
            "",
            "{}",
            r#"{"type":"note"}"#,
            r#"{"type":"start","format":"hms-audit 9","whole":true,"anchor":{"hash":"","seq":0}}"#,
            r#"{"type":"end","seq":1,"hash":"","more":1}"#,
            r#"{"type":"entry","seq":1,"prev":"","hash":""}"#,
        ];
        for line in lines {
            assert!(Record::parse(line).is_err(), "{line}");
        }
    }
}
