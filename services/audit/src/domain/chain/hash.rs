//! The hashes that hold the chain together.

use std::fmt;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A SHA-256 (FIPS 180-4) as 64 hexadecimal digits in lower case. One that was read may be any text: it is equal
/// to none of ours then.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Hash(String);

impl Hash {
    /// What the first entry and the first checkpoint name as the hash before them: 64 zeros.
    pub fn genesis() -> Self {
        Self("0".repeat(64))
    }

    /// A hash as it was kept.
    pub fn kept(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The hash of an entry: of the hash before it (the 64 digits), a line feed, and its canonical text.
    pub fn of_entry(before: &Hash, entry: &str) -> Self {
        Self::of(&[before.0.as_bytes(), b"\n", entry.as_bytes()])
    }

    /// The hash of the statement of a checkpoint.
    pub fn of_statement(statement: &str) -> Self {
        Self::of(&[statement.as_bytes()])
    }

    /// The hash of these bytes, one part after the other.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        parts.iter().for_each(|part| context.update(part));
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
        let digest = context.finish();
        Self(digest.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in the chain: an entry by its number, with its hash. The number of the first entry is 1; 0 stands for
/// the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Place {
    /// The hash of the entry.
    pub hash: Hash,
    /// Its number.
    pub seq: i64,
}

impl Place {
    /// Before the first entry.
    pub fn beginning() -> Self {
        Self { hash: Hash::genesis(), seq: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `printf '%s\n%s' "$before" "$entry" | sha256sum` has them.
    #[test]
    fn hashes_are_those_of_other_tools() {
        let first = Hash::of_entry(&Hash::genesis(), "{}");
        assert_eq!(first.as_str(), "5649d09ed68c17156095d175eef152856c5b1a81c117c409c1e00f096aa6838e");
        assert_eq!(
            Hash::of_entry(&first, "{\"a\":\"é\"}").as_str(),
            "98b56c320170baf4b144a0d952478b5e7609c26dd80cbc2f7497198598788b94"
        );
        assert_eq!(
            Hash::of_statement("").as_str(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
