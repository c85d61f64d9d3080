//! Who comes: access tokens, checked here with the published keys of the auth service; the list of those that were
//! revoked before their time; and API keys, for which the auth service gives a short token.

mod api_keys;
mod auth;
mod revocations;

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use hms_access::{Claims, Verifier};
use hms_model::{Clock, Secret};
use hms_problem::{Code, Problem};
use hms_telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use api_keys::ApiKeys;
pub use auth::Auth;
use revocations::Revocations;

/// All that the gateway knows of who may come.
pub struct Identity {
    verifier: Verifier,
    revocations: Arc<Revocations>,
    keys: Option<ApiKeys>,
}

/// An API key and the token that stands for it.
#[derive(Clone)]
pub struct Exchanged {
    /// What the service gets in place of the key: the value of its Authorization header.
    pub bearer: HeaderValue,
    /// What the token says.
    pub claims: Arc<Claims>,
}

impl Exchanged {
    fn new(token: &Secret, claims: Arc<Claims>) -> Result<Self, Problem> {
        let bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()));
        let mut bearer = bearer.map_err(|_| Code::Internal)?;
        bearer.set_sensitive(true);
        Ok(Self { bearer, claims })
    }
}

impl Identity {
    /// Begins to follow the list of what is revoked. Without `auth` nothing is revoked, and there are no API keys.
    pub fn start(
        verifier: Verifier,
        auth: Option<Auth>,
        clock: Clock,
        metrics: &Metrics,
        draining: CancellationToken,
    ) -> anyhow::Result<Self> {
        let revocations = Arc::new(Revocations::new(clock.clone()));
        if let Some(auth) = &auth {
            revocations::follow(Arc::clone(&revocations), auth.clone(), metrics, draining)?;
        }
        Ok(Self { verifier, revocations, keys: auth.map(|auth| ApiKeys::new(auth, clock)) })
    }

    /// What a token says that is good at this moment.
    pub async fn of_token(&self, token: &str) -> Result<Arc<Claims>, Problem> {
        let claims = self.verifier.verify(token).await?;
        match self.revocations.holds(claims.sid) {
            true => Err(Problem::new(Code::Unauthenticated).message("The access token has been revoked.")),
            false => Ok(claims),
        }
    }

    /// What is known of an API key without asking for it: a token, or that there is none, or nothing.
    pub fn remembered(&self, key: &str) -> Option<Result<Exchanged, Problem>> {
        let known = self.keys.as_ref()?.remembered(key)?;
        Some(known.and_then(|exchanged| match self.revocations.holds(exchanged.claims.sid) {
            true => Err(no_such_key()),
            false => Ok(exchanged),
        }))
    }

    /// A token for an API key. Requests with the same key wait for one answer.
    pub async fn of_key(&self, key: &str, client: IpAddr) -> Result<Exchanged, Problem> {
        let keys = self.keys.as_ref().ok_or_else(no_such_key)?;
        let exchanged = keys.exchange(key, client, &self.verifier).await?;
        match self.revocations.holds(exchanged.claims.sid) {
            true => Err(no_such_key()),
            false => Ok(exchanged),
        }
    }
}

fn no_such_key() -> Problem {
    Problem::new(Code::Unauthenticated).message("The API key is not valid.")
}
