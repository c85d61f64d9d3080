//! Access tokens: JWTs (RFC 7519) signed by EdDSA (RFC 8037) with the keys published as a JWK set (RFC 7517), or by
//! HS256 where a deployment asks for it. The auth service signs with an [`Issuer`]; everyone else checks by
//! themselves with a [`Verifier`], and nobody calls the auth service per request.

mod claims;
mod credentials;
mod crypto;
mod http;
mod issuer;
mod jwks;
mod known_tokens;
mod place;
mod published_keys;
mod service_token;
mod verifier;

pub use claims::{AUDIENCE, Claims, INTERNAL_AUDIENCE};
pub use credentials::authorization;
pub use issuer::{Issuer, SigningKey};
pub use jwks::{Jwk, JwkSet};
pub use place::{auth_url, public_url, service_clients_folder};
pub use service_token::ServiceToken;
pub use verifier::{KeySource, Verifier};

use hms_problem::{Code, Problem};

/// Why a token was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
    /// It is not ours, was changed, or is no token at all.
    #[error("the token is not valid")]
    Invalid,
    /// The keys could not be had, so that nothing can be said of the token.
    #[error("the signing keys cannot be had")]
    NoKeys(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The token of our own, by which other services know us, could not be had.
    #[error("the token of this service cannot be had")]
    NoServiceToken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A key that cannot be used.
    #[error("the key cannot be used")]
    Key,
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Expired => Problem::new(Code::TokenExpired),
            AccessError::Invalid => {
                Problem::new(Code::Unauthenticated).message("The access token is not valid.")
            }
            AccessError::NoKeys(cause) => {
                tracing::error!(error = %cause, "no signing keys to check tokens with");
                Problem::new(Code::Unavailable)
            }
            AccessError::NoServiceToken(cause) => {
                tracing::error!(error = %cause, "no token to show to another service");
                Problem::new(Code::Unavailable)
            }
            AccessError::Key => Problem::new(Code::Internal),
        }
    }
}
