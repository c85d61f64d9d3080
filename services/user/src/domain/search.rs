//! Search by parts of words. What can be searched is kept folded beside the record; what is looked for is folded the
//! same way, so that one comparison of bytes serves both databases and any alphabet.

/// Folds what a record can be found by into one text.
pub(super) fn search_text<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<_> = parts.into_iter().map(fold).collect();
    parts.join("\n")
}

/// The words of a search, folded: a record is found when each of them is part of its text.
pub fn words(search: &str) -> Vec<String> {
    let mut words: Vec<_> = search
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(fold)
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Lower case, letter by letter, so that a part of a word is folded as it is within the word: `str::to_lowercase`
/// makes another sigma of one that stands at the end.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_be_part_of_the_text() {
        let text =
            search_text(["Jürgen", "ΟΔΥΣΣΕΥΣ O'Brien-Şahin", "P-0A1B2C3D", "+4930123456", "J@Example.org"]);
        let cases = [
            ("jür", true),
            ("JÜRGEN", true),
            ("Οδυσσευς", true),
            ("οδυσσ", true),
            ("şahin jürg", true),
            ("  p-0a1b  ", true),
            ("0123456", true),
            ("@example", true),
            ("jürgen smith", false),
            ("jürgenο", false),
            ("İ", false),
        ];
        for (search, found) in cases {
            let words = words(search);
            assert_eq!(words.iter().all(|word| text.contains(word.as_str())), found, "{search}");
        }
    }

    #[test]
    fn a_search_is_cut_into_words_once_each() {
        assert_eq!(words("smi JOHN\u{0}smi\tJohn"), ["john", "smi"]);
        assert!(words(" \u{a0}\n").is_empty());
    }
}
