//! Why a row of an export cannot be sent.

use hms_model::Invalid;

/// What is wrong with a row, in words for whoever looks after the export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("has {found} fields where the header has {expected}")]
    FieldCount { expected: usize, found: usize },
    #[error("a quotation mark is never closed")]
    OpenQuote,
    #[error("{column} is not UTF-8")]
    NotUtf8 { column: String },
    #[error("{column} is empty")]
    Empty { column: &'static str },
    #[error("{column} is not {expected}: {value}")]
    Unreadable { column: &'static str, expected: &'static str, value: String },
    #[error("{column}: {reason}")]
    Invalid { column: &'static str, reason: Invalid },
    #[error("{later} is before {earlier}")]
    Before { earlier: &'static str, later: &'static str },
    #[error("{later} is not after {earlier}")]
    NotAfter { earlier: &'static str, later: &'static str },
    #[error("{column} lies in the future, so this has not taken place: {value}")]
    NotYet { column: &'static str, value: String },
    #[error("{column} {id} has no usable row in {file}")]
    UnknownReference { column: &'static str, id: String, file: &'static str },
    #[error("the same Id stands in line {line} already")]
    Repeated { line: u64 },
}
