//! What a client may be allowed: the scopes of HMS, and those of OpenID Connect.

use hms_model::role::{Role, Scope};
use hms_model::{Coded, coded_enum};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{ErrorCode, Refused};

coded_enum! {
    /// The scopes of OpenID Connect (Core 1.0, 5.4 and 11) that are known here.
    pub enum Identity {
        /// An ID token: who signed in.
        Openid = "openid",
        /// Their user name.
        Profile = "profile",
        /// Their e-mail address.
        Email = "email",
        /// A refresh token.
        OfflineAccess = "offline_access",
    }
}

/// One scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Granted {
    /// One about the person.
    Identity(Identity),
    /// One of HMS.
    Hms(Scope),
}

/// A set of scopes in one order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Granted>);

impl Granted {
    /// The word of it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Identity(identity) => identity.code(),
            Self::Hms(scope) => scope.code(),
        }
    }

    fn of(word: &str) -> Option<Self> {
        Identity::from_code(word).map(Self::Identity).or_else(|| Scope::from_code(word).map(Self::Hms))
    }

    /// Every scope there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let identities = Identity::ALL.iter().copied().map(Self::Identity);
        identities.chain(Scope::ALL.iter().copied().map(Self::Hms))
    }
}

impl FromIterator<Granted> for Scopes {
    fn from_iter<T: IntoIterator<Item = Granted>>(scopes: T) -> Self {
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }
}

impl Scopes {
    /// Reads words with spaces between them (RFC 6749, 3.3); the first unknown one is the error.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split(' ').filter(|word| !word.is_empty());
        words.map(|word| Granted::of(word).ok_or_else(|| word.to_owned())).collect::<Result<_, _>>()
    }

    /// Reads what was kept; a word that this program does not know gives nothing.
    pub fn kept(text: &str) -> Self {
        text.split(' ').filter_map(Granted::of).collect()
    }

    /// The words, with spaces between them.
    pub fn words(&self) -> String {
        self.0.iter().map(|scope| scope.word()).collect::<Vec<_>>().join(" ")
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Granted> {
        self.0.iter().copied()
    }

    /// Whether this one is among them.
    pub fn has(&self, identity: Identity) -> bool {
        self.0.contains(&Granted::Identity(identity))
    }

    /// Those of HMS.
    pub fn hms(&self) -> Vec<Scope> {
        let hms = self.iter().filter_map(|scope| match scope {
            Granted::Hms(scope) => Some(scope),
            Granted::Identity(_) => None,
        });
        hms.collect()
    }

    /// What of them these roles can give: those about the person always.
    pub fn within(&self, roles: &[Role]) -> Self {
        let held: Vec<Scope> = roles.iter().flat_map(|role| role.scopes()).collect();
        let given = |scope: &Granted| match scope {
            Granted::Identity(_) => true,
            Granted::Hms(scope) => held.contains(scope),
        };
        self.iter().filter(given).collect()
    }

    /// What a client gets of all that it may have: what it asks for, or all of HMS's when it names nothing. To ask for
    /// more than it may is an error (RFC 6749, 5.2).
    pub fn requested(asked: Option<&str>, allowed: &Self) -> Result<Self, Refused> {
        let refused = |word: &str| {
            Refused::new(
                ErrorCode::InvalidScope,
                format!("not a scope that the client may ask for: {}", printable(word)),
            )
        };
        let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else {
            return Ok(allowed.hms().into_iter().map(Granted::Hms).collect());
        };
        let asked = Self::parse(asked).map_err(|word| refused(&word))?;
        let beyond = asked.iter().find(|scope| !allowed.0.contains(scope));
        match beyond {
            Some(beyond) => Err(refused(beyond.word())),
            None => Ok(asked),
        }
    }
}

/// RFC 6749, 5.2: descriptions hold no control characters, quotes or backslashes.
fn printable(word: &str) -> String {
    let safe =
        |letter: char| if letter.is_ascii_graphic() && !matches!(letter, '"' | '\\') { letter } else { '?' };
    word.chars().take(64).map(safe).collect()
}

impl Serialize for Granted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Granted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::of(&word).ok_or_else(|| serde::de::Error::custom("is no scope"))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Granted>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_what_it_asks_for_and_no_more_than_it_may() {
        let allowed = Scopes::parse("openid offline_access patient:read appointment:read").unwrap();
        let cases = [
            (None, Some("patient:read appointment:read")),
            (Some(""), Some("patient:read appointment:read")),
            (Some("patient:read"), Some("patient:read")),
            (Some("patient:read openid  patient:read"), Some("openid patient:read")),
            (Some("patient:write"), None),
            (Some("email"), None),
            (Some("patient:read no:such"), None),
            (Some("PATIENT:READ"), None),
        ];
        for (asked, expected) in cases {
            let got = Scopes::requested(asked, &allowed);
            assert_eq!(got.as_ref().ok().map(Scopes::words).as_deref(), expected, "{asked:?}");
            if let Err(refused) = got {
                assert_eq!(refused.code, ErrorCode::InvalidScope);
            }
        }
        let hostile = Scopes::requested(Some("a\"\\\u{7f}ä"), &allowed).unwrap_err();
        assert!(hostile.description.ends_with("a????"), "{}", hostile.description);
    }

    #[test]
    fn roles_narrow_what_is_granted() {
        let granted = Scopes::parse("openid email patient:read account:write appointment:write").unwrap();
        let cases = [
            (&[Role::Admin][..], "openid email patient:read appointment:write account:write"),
            (&[Role::Nurse], "openid email patient:read appointment:write"),
            (&[Role::Pharmacist], "openid email patient:read"),
            (&[Role::Device], "openid email"),
            (&[], "openid email"),
        ];
        for (roles, expected) in cases {
            let narrowed = granted.within(roles);
            assert_eq!(narrowed, Scopes::parse(expected).unwrap(), "{roles:?}");
        }
    }

    #[test]
    fn what_is_kept_and_no_longer_known_gives_nothing() {
        assert_eq!(Scopes::kept("openid gone:scope patient:read").words(), "openid patient:read");
        assert_eq!(Scopes::parse("openid gone:scope"), Err("gone:scope".to_owned()));
    }
}
