//! Authorization codes: good once, for a minute, for the client that asked, at the place where it asked, in the hands of
//! whoever knows the secret behind the challenge (RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hms_model::id::{AccountId, ClientId, GrantId};
use ring::digest::{SHA256, digest};

use super::scope::Scopes;

/// How long a code lives.
pub const LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// A challenge is the SHA-256 of the verifier in base64url: 43 characters.
const CHALLENGE_LENGTH: usize = 43;

/// What stands behind a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// For whom it was made.
    pub client_id: ClientId,
    /// Who signed in.
    pub account_id: AccountId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// The challenge (S256).
    pub challenge: String,
    /// What was allowed.
    pub scopes: Scopes,
    /// What the ID token repeats.
    pub nonce: Option<String>,
    /// When they signed in.
    pub auth_time: DateTime<Utc>,
    /// From when on it is no longer valid.
    pub expires_at: DateTime<Utc>,
    /// The grant that was made of it, once it is used.
    pub grant_id: Option<GrantId>,
}

/// What comes of showing a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is good.
    Redeem,
    /// It was used before: its grant ends.
    Reused(GrantId),
    /// It is not good, for this reason.
    Refuse(&'static str),
}

/// Whether a text can be a challenge (RFC 7636, 4.2).
pub fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_LENGTH && text.bytes().all(is_base64url)
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Whether a text can be a verifier (RFC 7636, 4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// Whether this verifier is the one behind the challenge.
pub fn proves(verifier: &str, challenge: &str) -> bool {
    is_verifier(verifier) && URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == challenge
}

impl Code {
    /// Decides about a code that somebody shows.
    pub fn decide(
        &self,
        client: ClientId,
        redirect_uri: Option<&str>,
        verifier: &str,
        now: DateTime<Utc>,
    ) -> Decision {
        match self.grant_id {
            _ if self.client_id != client => Decision::Refuse("the code is another client's"),
            Some(grant) => Decision::Reused(grant),
            None if self.expires_at <= now => Decision::Refuse("the code has expired"),
            // OAuth 2.1 leaves it out here; clients of OAuth 2.0 send it, and then it must be the same.
            None if redirect_uri.is_some_and(|uri| uri != self.redirect_uri) => {
                Decision::Refuse("the redirect_uri is not the one of the authorization")
            }
            None if !proves(verifier, &self.challenge) => {
                Decision::Refuse("the code_verifier does not match the code_challenge")
            }
            None => Decision::Redeem,
        }
    }
}

#[cfg(test)]
mod tests {
    use hms_model::id::Id;

    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn a_verifier_proves_its_challenge_only() {
        let long = "a".repeat(129);
        let cases = [
            (VERIFIER, CHALLENGE, true),
            (VERIFIER, VERIFIER, false),
            (CHALLENGE, CHALLENGE, false),
            ("", CHALLENGE, false),
            ("short", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", false),
            (&VERIFIER[..42], CHALLENGE, false),
            (long.as_str(), CHALLENGE, false),
            ("dBjftJeZ4CVP+mB92K27uhbUJU1p1r/wW1gFWFOEjXk=", CHALLENGE, false),
        ];
        for (verifier, challenge, proven) in cases {
            assert_eq!(proves(verifier, challenge), proven, "{verifier}");
        }
    }

    #[test]
    fn a_challenge_is_a_hash_in_base64url() {
        assert!(is_challenge(CHALLENGE));
        for wrong in ["", "short", &CHALLENGE[..42], &format!("{CHALLENGE}A"), &CHALLENGE.replace('-', "+")] {
            assert!(!is_challenge(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_code_is_bound_to_all_that_it_was_made_for() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (client, other, grant) = (Id::new(now), Id::new(now), Id::new(now));
        let code = Code {
            client_id: client,
            account_id: Id::new(now),
            redirect_uri: "https://app.example/cb".into(),
            challenge: CHALLENGE.into(),
            scopes: Scopes::default(),
            nonce: None,
            auth_time: now,
            expires_at: now + LIFETIME,
            grant_id: None,
        };
        let used = Code { grant_id: Some(grant), ..code.clone() };
        let uri = Some("https://app.example/cb");
        let late = LIFETIME;
        let refused = Decision::Refuse;
        let cases = [
            (&code, client, uri, VERIFIER, TimeDelta::zero(), Decision::Redeem),
            (&code, client, None, VERIFIER, late - TimeDelta::seconds(1), Decision::Redeem),
            (&code, client, uri, VERIFIER, late, refused("the code has expired")),
            (&code, other, uri, VERIFIER, TimeDelta::zero(), refused("the code is another client's")),
            (
                &code,
                client,
                Some("https://app.example/cb2"),
                VERIFIER,
                TimeDelta::zero(),
                refused("the redirect_uri is not the one of the authorization"),
            ),
            (
                &code,
                client,
                uri,
                CHALLENGE,
                TimeDelta::zero(),
                refused("the code_verifier does not match the code_challenge"),
            ),
            (&used, client, uri, VERIFIER, TimeDelta::zero(), Decision::Reused(grant)),
            (&used, client, uri, "", late, Decision::Reused(grant)),
            // A stranger cannot end another client's grant.
            (&used, other, uri, VERIFIER, TimeDelta::zero(), refused("the code is another client's")),
        ];
        for (code, client, uri, verifier, after, expected) in cases {
            assert_eq!(
                code.decide(client, uri, verifier, now + after),
                expected,
                "{uri:?} {verifier} {after}"
            );
        }
    }
}
