//! The members of a merge patch (RFC 7396): a member that is absent stays, `null` takes the value away.

use serde::{Deserialize, Deserializer};

/// What a patch says of an optional field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Nothing.
    #[default]
    Keep,
    /// `null`.
    Clear,
    /// A new value.
    Set(T),
}

impl<T> Patch<T> {
    /// The value after the patch, where it was `old`.
    pub fn over(self, old: Option<T>) -> Option<T> {
        match self {
            Patch::Keep => old,
            Patch::Clear => None,
            Patch::Set(new) => Some(new),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Patch::Clear, Patch::Set))
    }
}

/// Reads a field that may be absent, but not `null`: it is a required one of the record.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Both {
        #[serde(default, deserialize_with = "present")]
        required: Option<u8>,
        #[serde(default)]
        optional: Patch<u8>,
    }

    #[test]
    fn absent_null_and_a_value_are_three_things() {
        let cases = [
            (r"{}", Some((None, Patch::Keep))),
            (r#"{"optional": null}"#, Some((None, Patch::Clear))),
            (r#"{"optional": 2, "required": 1}"#, Some((Some(1), Patch::Set(2)))),
            (r#"{"required": null}"#, None),
        ];
        for (json, expected) in cases {
            let read: Option<Both> = serde_json::from_str(json).ok();
            assert_eq!(read.map(|both| (both.required, both.optional)), expected, "{json}");
        }
    }

    #[test]
    fn a_patch_over_a_value() {
        let cases = [
            (Patch::Keep, Some(1), Some(1)),
            (Patch::Keep, None, None),
            (Patch::Clear, Some(1), None),
            (Patch::Set(2), Some(1), Some(2)),
            (Patch::Set(2), None, Some(2)),
        ];
        for (patch, old, new) in cases {
            assert_eq!(patch.clone().over(old), new, "{patch:?} over {old:?}");
        }
    }
}
