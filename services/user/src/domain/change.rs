//! What a change does to a record.

/// A record after a change, and what was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<T> {
    /// The record as it shall be; as it was, when nothing was changed.
    pub after: T,
    /// The names of the fields that differ.
    pub fields: Vec<&'static str>,
}

impl<T> Change<T> {
    /// What the audit keeps of it: names, never values.
    pub fn in_words(&self) -> String {
        if self.fields.is_empty() { "nothing changed".to_owned() } else { self.fields.join(", ") }
    }
}

/// The names of those of the fields that differ between two values of a struct.
macro_rules! differing {
    ($before:expr, $after:expr; $($field:ident),+ $(,)?) => {{
        let (before, after) = ($before, $after);
        let mut names: Vec<&'static str> = Vec::new();
        $(if before.$field != after.$field { names.push(stringify!($field)); })+
        names
    }};
}
pub(super) use differing;
