//! The tokens that a sign-in gives: a short access token that says all by itself, and a long refresh token that
//! says nothing and is known here only by its hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hms_access::Claims;
use hms_model::Secret;
use hms_model::id::SessionId;
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
    /// Who signed in; its roles tell a front end which view to choose.
    account: Account,
}

/// A new refresh token: 256 random bits.
pub fn new_refresh_token() -> Result<Secret, Problem> {
    Ok(Secret::new(random::<32>()?))
}

/// `N` random bytes, base64url.
pub fn random<const N: usize>() -> Result<String, Problem> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        tracing::error!("the machine gives no random numbers");
        Problem::new(Code::Internal)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// By what a refresh token is known here. A fast hash is enough: 256 random bits cannot be guessed.
pub fn hash_of(refresh: &Secret) -> String {
    digest(&SHA256, refresh.expose().as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl State {
    /// The answer to a sign-in or a refresh.
    pub(crate) fn tokens(
        &self,
        account: Account,
        session: SessionId,
        refresh: &Secret,
        now: DateTime<Utc>,
    ) -> Result<Tokens, Problem> {
        let mut claims = Claims::new(account.id, session, account.roles.clone(), now, self.access_lifetime);
        claims.patient_id = account.patient_id;
        claims.practitioner_id = account.practitioner_id;
        Ok(Tokens {
            access: self.issuer.issue(&claims)?,
            refresh: refresh.expose().to_owned(),
            token_type: "Bearer",
            expires_in: self.access_lifetime.num_seconds(),
            account,
        })
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
