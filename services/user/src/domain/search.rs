//! Search by parts of words. What can be searched is kept folded beside the record; what is looked for is folded the
//! same way, so that one comparison of bytes serves both databases, any alphabet, and those who type no accents.
//!
//! In a folded text [`START`] stands before each word, around each sign that is neither letter nor digit, and before
//! each letter that is a syllable or a word by itself, as Chinese ones are. A part of three signs is found anywhere. A
//! shorter one is found where a word begins: "li" is Li and Lina, and not Julia; an index by three letters finds both.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// Where a word begins.
const START: char = '\n';

/// Which folding [`search_text`] does; goes up when it changes, so that what was folded otherwise is found and folded
/// anew.
pub const FOLDING: i64 = 2;

/// Folds what a record can be found by into one text.
pub(super) fn search_text<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for part in parts {
        for word in plain_words(&plain(part)) {
            text.push(START);
            text.push_str(&with_starts(word));
        }
    }
    text
}

/// The words of a search, folded: a record is found when each of them is part of its text.
pub fn words(search: &str) -> Vec<String> {
    let mut words: Vec<_> = plain_words(&plain(search)).map(anchored).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Whether an index by three letters, which takes all but letters and digits for gaps, has the word: of one that is looked
/// for anywhere it must be told three letters in a row, of one whose beginning is known the first will do.
pub fn is_indexed(word: &str) -> bool {
    let mut runs = word.split(|c: char| !c.is_alphanumeric());
    if word.starts_with(START) {
        runs.any(|run| !run.is_empty())
    } else {
        runs.any(|run| run.chars().nth(2).is_some())
    }
}

fn anchored(word: &str) -> String {
    let folded = with_starts(word);
    if word.chars().nth(2).is_some() { folded } else { format!("{START}{folded}") }
}

fn plain_words(plain: &str) -> impl Iterator<Item = &str> {
    plain.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty())
}

/// A word with its inner beginnings.
fn with_starts(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    let mut before = None;
    for letter in word.chars() {
        if before.is_some_and(|before| !joins(before, letter)) {
            text.push(START);
        }
        text.push(letter);
        before = Some(letter);
    }
    text
}

fn joins(one: char, next: char) -> bool {
    one.is_alphanumeric() && next.is_alphanumeric() && !is_syllable(next)
}

/// Kana, Han and Hangul.
fn is_syllable(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Without accents, in lower case, each letter by itself, so that a part of a word is folded as it is within the word:
/// `str::to_lowercase` makes another sigma of one that stands at the end.
fn plain(text: &str) -> String {
    let letters = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(text.chars());
    let letters = letters.filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).flat_map(char::to_lowercase);
    let mut plain = String::with_capacity(text.len());
    for letter in letters {
        match base(letter) {
            Some(base) => plain.push_str(base),
            None => plain.push(letter),
        }
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(&plain).into_owned()
}

/// Letters that Unicode takes for no other with an accent, and people do.
fn base(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_be_part_of_the_text() {
        let text = search_text([
            "Jürgen Li",
            "ΟΔΥΣΣΕΎΣ O'Brien-Şahin",
            "Łukasz Groß Nguyễn",
            "李小龙 김 ひらがな",
            "P-0A1B2C3D",
            "+4930123456",
            "J@Example.org",
        ]);
        let cases = [
            ("jür", true),
            ("JURGEN", true),
            ("rgen", true),
            ("Οδυσσευς", true),
            ("οδυσσεύ", true),
            ("şahin jürg", true),
            ("ŞAHİN", true),
            ("o'brien-sah", true),
            ("lukasz GROSS", true),
            ("nguyen", true),
            ("  p-0a1b  ", true),
            ("0123456", true),
            ("@example", true),
            ("小", true),
            ("小龙", true),
            ("龙李", false),
            ("김", true),
            ("らが", true),
            ("jürgen smith", false),
            ("jürgenο", false),
            // Two letters and less: where a word begins.
            ("j", true),
            ("ju", true),
            ("li", true),
            ("br", true),
            ("p-", true),
            ("-", true),
            ("49", true),
            ("30", false),
            ("ri", false),
            ("u", false),
            ("e-", false),
        ];
        for (search, found) in cases {
            let words = words(search);
            assert_eq!(words.iter().all(|word| text.contains(word.as_str())), found, "{search}: {words:?}");
        }
    }

    #[test]
    fn a_search_is_cut_into_words_once_each() {
        assert_eq!(words("smi JOHN\u{0}smi\tJohn"), ["john", "smi"]);
        assert_eq!(words("Á a\u{301} a"), ["\na"]);
        assert!(words(" \u{a0}\n").is_empty());
    }

    #[test]
    fn the_index_has_what_three_letters_can_be_made_of() {
        let cases = [
            ("smith", true),
            ("o'brien", true),
            ("li", true),
            ("p-", true),
            ("小", true),
            ("%", false),
            ("e\\l", false),
            ("0%_", false),
        ];
        for (search, indexed) in cases {
            assert!(words(search).iter().all(|word| is_indexed(word) == indexed), "{search}");
        }
    }
}
