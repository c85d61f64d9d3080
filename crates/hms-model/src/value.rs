//! Values that are checked when they are read, so that whoever holds one need not check again.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr};

/// Why a value was refused, in words for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// Text of `MIN` to `MAX` characters, white space at both ends cut off, no control characters but line breaks
/// and tabs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> FromStr for Text<MIN, MAX> {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let length = text.chars().count();
        if length < MIN || length > MAX {
            return Err(Invalid(format!("must have {MIN} to {MAX} characters, has {length}")));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(Invalid("must not have control characters".into()));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A phone number in the form of ITU-T E.164: `+`, then 7 to 15 digits, the first not 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl FromStr for Phone {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let right = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if right {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid("must be E.164, such as +14155552671".into()))
        }
    }
}

/// An e-mail address by RFC 5321, kept in lower case: nobody has two accounts that differ in a capital letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl FromStr for Email {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim().to_lowercase();
        if text.len() <= 254 && email_address::EmailAddress::is_valid(&text) {
            Ok(Self(text))
        } else {
            Err(Invalid("must be an e-mail address".into()))
        }
    }
}

/// A language (BCP 47, RFC 5646), such as `de` or `pt-BR`: well formed, the primary language in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LanguageTag(String);

impl FromStr for LanguageTag {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (primary, rest) =
            text.split_once('-').map_or((text, None), |(primary, rest)| (primary, Some(rest)));
        let is_language =
            (2..=3).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_alphabetic());
        let is_subtag = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let is_odd = rest.is_some_and(|rest| !rest.split('-').all(is_subtag));
        if !is_language || is_odd || text.len() > 35 {
            return Err(Invalid("must be a language tag (BCP 47), such as de or pt-BR".into()));
        }
        let primary = primary.to_ascii_lowercase();
        Ok(Self(rest.map_or_else(|| primary.clone(), |rest| format!("{primary}-{rest}"))))
    }
}

macro_rules! checked_text {
    ([$($generics:tt)*] $name:ty, $title:expr, |$o:ident| $schema:expr) => {
        impl<$($generics)*> $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl<$($generics)*> TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }
        impl<$($generics)*> From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
        impl<$($generics)*> fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl<$($generics)*> utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let $o = ObjectBuilder::new().schema_type(Type::String);
                RefOr::T(Schema::Object($schema.build()))
            }
        }
        impl<$($generics)*> utoipa::ToSchema for $name {
            fn name() -> Cow<'static, str> {
                $title
            }
        }
    };
}
checked_text!([const MIN: usize, const MAX: usize] Text<MIN, MAX>, Cow::Owned(format!("Text{MIN}To{MAX}")), |o| o.min_length(Some(MIN)).max_length(Some(MAX)));
checked_text!([] Phone, Cow::Borrowed("Phone"), |o| o.pattern(Some(r"^\+[1-9][0-9]{6,14}$")).examples(["+14155552671"]));
checked_text!([] LanguageTag, Cow::Borrowed("LanguageTag"), |o| o.pattern(Some("^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")).max_length(Some(35)).examples(["de-AT"]));
checked_text!([] Email, Cow::Borrowed("Email"), |o| o.format(Some(SchemaFormat::KnownFormat(KnownFormat::Email))).max_length(Some(254)));

/// A name that another system gave to this thing (FHIR Identifier): unique within its system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// The name space, as a URI: `urn:oid:2.16.840.1.113883.4.1`, `https://hospital.example/mrn`.
    pub system: Text<1, 200>,
    /// The value within it.
    pub value: Text<1, 200>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_e164() {
        let cases = [
            ("+14155552671", true),
            ("+4930123456", true),
            ("+1234567", true),
            ("14155552671", false),
            ("+04155552671", false),
            ("+123456", false),
            ("+1234567890123456", false),
            ("+1415555267a", false),
            ("+1 415 555 2671", false),
            ("", false),
            ("+", false),
        ];
        for (text, right) in cases {
            assert_eq!(text.parse::<Phone>().is_ok(), right, "{text}");
        }
    }

    #[test]
    fn languages_are_tags() {
        for (text, kept) in [
            ("de", Some("de")),
            ("DE-at", Some("de-at")),
            ("zh-Hant-TW", Some("zh-Hant-TW")),
            ("es-419", Some("es-419")),
            ("d", None),
            ("German", None),
            ("de_AT", None),
            ("de-", None),
            ("de--AT", None),
            ("dé", None),
            ("de-abcdefghi", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<LanguageTag>().ok().as_ref().map(LanguageTag::as_str), kept, "{text}");
        }
    }

    #[test]
    fn text_is_trimmed_and_bounded_in_characters() {
        assert_eq!("  Øst ".parse::<Text<1, 3>>().unwrap().as_str(), "Øst");
        assert!("   ".parse::<Text<1, 3>>().is_err());
        assert!("four".parse::<Text<1, 3>>().is_err());
        assert!("a\0b".parse::<Text<1, 3>>().is_err());
        assert!("".parse::<Text<0, 3>>().is_ok());
    }

    #[test]
    fn emails_are_kept_in_lower_case() {
        assert_eq!(" Ann@Example.ORG ".parse::<Email>().unwrap().as_str(), "ann@example.org");
        for wrong in ["ann", "ann@", "@example.org", "a b@example.org", "ann@exa mple.org"] {
            assert!(wrong.parse::<Email>().is_err(), "{wrong}");
        }
    }
}
