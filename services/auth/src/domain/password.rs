//! Which passwords are good enough (NIST SP 800-63B, 3.1.1): long, not one of the common ones, not a name of the
//! account; no rules about kinds of characters.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The least number of characters of a password that stands alone, without a second factor.
pub const SHORTEST: usize = 15;
/// The least number beside a second factor.
pub const SHORTEST_WITH_FACTOR: usize = 8;
/// The most characters.
pub const LONGEST: usize = 128;

/// One a line, in lower case: words that passwords are made of, and long ones that are common as they are.
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// Why a password is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Too few characters.
    #[error("must have at least {0} characters")]
    TooShort(usize),
    /// Too many characters.
    #[error("must have at most {LONGEST} characters")]
    TooLong,
    /// One that many people choose, or little more than one.
    #[error("is one of those that are guessed first")]
    Common,
    /// The same few characters again and again.
    #[error("repeats the same few characters")]
    Repetitive,
    /// The e-mail address or the user name of the account.
    #[error("must not be the e-mail address or the user name")]
    Name,
}

/// Checks a password that stands alone; `names` are the names of the account, in lower case.
pub fn check(password: &str, names: &[&str]) -> Result<(), Weakness> {
    check_beside(password, names, false)
}

/// Checks a password, which may be shorter where there is a second factor.
pub fn check_beside(password: &str, names: &[&str], second_factor: bool) -> Result<(), Weakness> {
    let length = password.chars().count();
    let shortest = if second_factor { SHORTEST_WITH_FACTOR } else { SHORTEST };
    if length < shortest {
        return Err(Weakness::TooShort(shortest));
    }
    if length > LONGEST {
        return Err(Weakness::TooLong);
    }
    let lower = password.to_lowercase();
    if names.contains(&lower.as_str()) {
        return Err(Weakness::Name);
    }
    // `Administrator2024!` is guessed as soon as `administrator`.
    let word = lower.trim_matches(|letter: char| !letter.is_alphabetic());
    if COMMON.contains(lower.as_str()) || COMMON.contains(word) {
        return Err(Weakness::Common);
    }
    let unit = repeated_unit(&lower);
    if unit.chars().count() <= 4 {
        return Err(Weakness::Repetitive);
    }
    if COMMON.contains(unit) { Err(Weakness::Common) } else { Ok(()) }
}

/// Whether it is long enough without a second factor. The one that a password was set beside may have been taken away since.
pub fn stands_alone(password: &str) -> bool {
    password.chars().count() >= SHORTEST
}

/// The shortest beginning of which the text is a repetition, the last time perhaps cut: `abc` of `abcabca`; the
/// text itself when there is none.
fn repeated_unit(text: &str) -> &str {
    let units = text.char_indices().skip(1).filter_map(|(at, _)| text.split_at_checked(at));
    units.into_iter().find(|(unit, rest)| continues(unit, rest)).map_or(text, |(unit, _)| unit)
}

fn continues(unit: &str, rest: &str) -> bool {
    unit.bytes().cycle().zip(rest.bytes()).all(|(expected, found)| expected == found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_passwords_pass_and_weak_ones_say_why() {
        let names = ["ann.andersson@example.org", "ann.the.receptionist"];
        let long = "x1".repeat(10) + &"vN".repeat(54);
        let too_long = format!("{long}y");
        let cases = [
            ("tin-plover-94-lagoon", Ok(())),
            ("eight horses at dawn", Ok(())),
            ("sjö vind berg äng", Ok(())),
            ("🐎🐄🐖🐑🐐🐓🦆🐕🐈🐇🦔🦡🦫🦦🦥", Ok(())),
            ("482913750284716", Ok(())),
            (long.as_str(), Ok(())),
            ("", Err(Weakness::TooShort(15))),
            ("tin-plover-94-", Err(Weakness::TooShort(15))),
            ("ÄÄÄÄÄÄÄ", Err(Weakness::TooShort(15))),
            (too_long.as_str(), Err(Weakness::TooLong)),
            ("correcthorsebatterystaple", Err(Weakness::Common)),
            ("PasswordPassword", Err(Weakness::Common)),
            ("123456789012345", Err(Weakness::Common)),
            ("Administrator2024!", Err(Weakness::Common)),
            ("!!!!!!!hospital1234", Err(Weakness::Common)),
            ("welcomewelcomewelcome", Err(Weakness::Common)),
            ("summersummersum", Err(Weakness::Common)),
            ("aaaaaaaaaaaaaaa", Err(Weakness::Repetitive)),
            ("x1x1x1x1x1x1x1x1", Err(Weakness::Repetitive)),
            ("zq4-zq4-zq4-zq4-", Err(Weakness::Repetitive)),
            ("Ann.Andersson@example.org", Err(Weakness::Name)),
            ("ann.the.receptionist", Err(Weakness::Name)),
        ];
        for (password, expected) in cases {
            assert_eq!(check(password, &names), expected, "{password}");
        }
    }

    #[test]
    fn eight_characters_are_enough_beside_a_second_factor() {
        let cases = [
            ("kjw9-vux", Ok(())),
            ("kjw9-vu", Err(Weakness::TooShort(8))),
            ("Password", Err(Weakness::Common)),
            ("password1", Err(Weakness::Common)),
            ("P@ssw0rd", Err(Weakness::Common)),
            ("1q2w3e4r", Err(Weakness::Common)),
            ("zaq12wsx", Err(Weakness::Common)),
            ("741852963", Err(Weakness::Common)),
            ("abcabcabc", Err(Weakness::Repetitive)),
            ("ann.andersson", Err(Weakness::Name)),
        ];
        for (password, expected) in cases {
            assert_eq!(check_beside(password, &["ann.andersson"], true), expected, "{password}");
        }
        assert!(
            !stands_alone("kjw9-vux") && !stands_alone("ÄÄÄÄÄÄÄ-ÄÄÄÄÄÄ") && stands_alone("kjw9-vux kjw9-v")
        );
    }

    #[test]
    fn the_list_is_in_lower_case_and_without_blanks_at_the_ends() {
        assert!(COMMON.len() > 300);
        for line in COMMON.iter() {
            assert_eq!(*line, line.trim().to_lowercase(), "{line}");
            assert!(!line.is_empty());
        }
    }
}
