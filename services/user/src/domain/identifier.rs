//! Identifiers: the names that other systems gave to a thing (FHIR Identifier).

use std::str::FromStr;

use hms_model::{Identifier, Invalid};

use super::Refusal;

/// More names than one thing has.
const MOST: usize = 50;

/// A thing has not too many of them, and none twice.
pub(super) fn check(identifiers: &[Identifier]) -> Result<(), Refusal> {
    let refuse = |reason| Err(Refusal::Rule { field: "identifiers", reason });
    if identifiers.len() > MOST {
        return refuse("must not be more than 50");
    }
    let mut sorted: Vec<_> = identifiers.iter().collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| matches!(pair, [one, next] if one == next)) {
        return refuse("must not name one twice");
    }
    Ok(())
}

/// An identifier as a filter names it: `system|value`, as in FHIR's search by token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifierToken(pub Identifier);

impl FromStr for IdentifierToken {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (system, value) = text.split_once('|').ok_or_else(|| Invalid("must be system|value".into()))?;
        Ok(Self(Identifier { system: system.parse()?, value: value.parse()? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_cut_at_the_first_bar() {
        let token: IdentifierToken = "http://hl7.org/fhir/sid/us-ssn|999-1|2".parse().unwrap();
        assert_eq!(
            (token.0.system.as_str(), token.0.value.as_str()),
            ("http://hl7.org/fhir/sid/us-ssn", "999-1|2")
        );
        for wrong in ["", "a", "|b", "a|", "|"] {
            assert!(wrong.parse::<IdentifierToken>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn none_is_named_twice_and_there_are_not_too_many() {
        let identifier = |n: usize| format!("urn:s|{n}").parse::<IdentifierToken>().unwrap().0;
        let cases = [
            (vec![], true),
            (vec![identifier(1), identifier(2)], true),
            (vec![identifier(1), identifier(2), identifier(1)], false),
            ((0..50).map(identifier).collect(), true),
            ((0..51).map(identifier).collect(), false),
        ];
        for (identifiers, right) in cases {
            assert_eq!(check(&identifiers).is_ok(), right, "{} of them", identifiers.len());
        }
    }
}
