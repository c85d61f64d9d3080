//! Search in text without regard to case, the same on both databases.

use diesel::sql_types::{Nullable, SingleValue, SqlType, Text};
use diesel::{QueryResult, SqliteConnection};

/// Text, or text that may be null.
pub trait MaybeText: SqlType + SingleValue {}
impl MaybeText for Text {}
impl MaybeText for Nullable<Text> {}

#[diesel::declare_sql_function]
extern "SQL" {
    /// The text in lower case, Unicode on both databases.
    fn lower<T: MaybeText>(text: T) -> T;

    /// The same, in the only form that SQLite's registration takes.
    #[sql_name = "lower"]
    fn nullable_lower(text: Nullable<Text>) -> Nullable<Text>;
}

/// A pattern for `LIKE … ESCAPE '\'` that finds `part` anywhere, in lower case and with the wildcards in it taken
/// as they are: `lower(patients::family_name).like(like_pattern(part)).escape('\\')`.
pub fn like_pattern(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for letter in part.chars() {
        if matches!(letter, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(lower_letter(letter));
    }
    pattern.push('%');
    pattern
}

/// SQLite's own `lower` knows ASCII only.
pub(crate) fn register_lower(connection: &mut SqliteConnection) -> QueryResult<()> {
    nullable_lower_utils::register_impl(connection, |text: Option<String>| {
        text.map(|text| text.chars().map(lower_letter).collect::<String>())
    })
}

/// Letter by letter, as PostgreSQL does it: `str::to_lowercase` looks at the letters around a Greek sigma, and a
/// part of a word would then not be found in the word.
fn lower_letter(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_wildcards_as_they_are() {
        let cases = [
            ("", "%%"),
            ("Ann", "%ann%"),
            ("100%", "%100\\%%"),
            ("a_b\\c", "%a\\_b\\\\c%"),
            ("ÇELIK", "%çelik%"),
            ("ΟΔΥΣΣΕΥΣ", "%οδυσσευσ%"),
            ("İ", "%i%"),
        ];
        for (part, pattern) in cases {
            assert_eq!(like_pattern(part), pattern);
        }
    }
}
