//! The tokens that a sign-in gives: a short access token that says all by itself, and a long refresh token that
//! says nothing and is known here only by its hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hms_access::Claims;
use hms_model::Secret;
use hms_model::id::SessionId;
use hms_model::role::Role;
use hms_problem::{Code, Problem};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use utoipa::ToSchema;

use crate::State;
use crate::domain::account::Account;

/// What a sign-in gives (RFC 6749, 5.1, with shorter names).
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// The access token, for `Authorization: Bearer`.
    access: String,
    /// The refresh token: gives the next pair, once.
    refresh: String,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    token_type: &'static str,
    /// For how many seconds the access token is valid.
    #[schema(examples(900))]
    expires_in: i64,
    /// By which this device is known at the next sign-in: send it along then, so that failed attempts of others do
    /// not make you wait. Only after a sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
    /// Whether the access token is good for setting up a second factor and for nothing else, since one is required;
    /// refresh it afterwards.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    enrolment_required: bool,
    /// Who signed in; its roles tell a front end which view to choose.
    account: Account,
}

/// Whose tokens, and for what.
pub struct Holder<'a> {
    /// Who signed in.
    pub account: Account,
    /// The session.
    pub session: SessionId,
    /// Its next refresh token.
    pub refresh: &'a Secret,
    /// How the holder was recognised (RFC 8176).
    pub amr: Vec<String>,
    /// By what the device is known from now on.
    pub device_token: Option<Secret>,
}

/// A new refresh token: 256 random bits.
pub fn new_refresh_token() -> Result<Secret, Problem> {
    Ok(Secret::new(random::<32>()?))
}

/// `N` random bytes, base64url.
pub fn random<const N: usize>() -> Result<String, Problem> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<N>()?))
}

/// `N` random bytes.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        tracing::error!("the machine gives no random numbers");
        Problem::new(Code::Internal)
    })?;
    Ok(bytes)
}

/// By what a refresh token is known here. A fast hash is enough: 256 random bits cannot be guessed.
pub fn hash_of(refresh: &Secret) -> String {
    digest(&SHA256, refresh.expose().as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl State {
    /// The answer to a sign-in or a refresh.
    pub(crate) fn tokens(&self, holder: Holder<'_>, now: DateTime<Utc>) -> Result<Tokens, Problem> {
        let Holder { account, session, refresh, amr, device_token } = holder;
        let mut claims = Claims::new(account.id, session, account.roles.clone(), now, self.access_lifetime);
        claims.patient_id = account.patient_id;
        claims.practitioner_id = account.practitioner_id;
        let enrolment_required = self.must_have_factor(&account.roles) && !amr.iter().any(|way| way == "otp");
        if enrolment_required {
            claims.enrolling = true;
            claims.scope.clear();
        }
        claims.amr = amr;
        Ok(Tokens {
            access: self.issuer.issue(&claims)?,
            refresh: refresh.expose().to_owned(),
            token_type: "Bearer",
            expires_in: self.access_lifetime.num_seconds(),
            device_token: device_token.map(|token| token.expose().to_owned()),
            enrolment_required,
            account,
        })
    }

    /// Whether somebody of these roles must have a second factor.
    pub(crate) fn must_have_factor(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.people.mfa_required_roles.contains(role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_tokens_are_long_and_never_the_same() {
        let (one, other) = (new_refresh_token().unwrap(), new_refresh_token().unwrap());
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one, other);
        assert_eq!(hash_of(&one).len(), 64);
        assert_ne!(hash_of(&one), hash_of(&other));
    }
}
