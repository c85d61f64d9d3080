//! The tokens that a grant gives: what the account may, cut down to what it has allowed the client.

use chrono::{DateTime, Utc};
use hms_access::Claims;
use hms_model::Secret;
use hms_model::id::AccountId;
use hms_problem::Problem;
use serde::Serialize;

use crate::State;
use crate::api::oauth::token::TokenAnswer;
use crate::domain::account::Account;
use crate::domain::oauth::client::OauthClient;
use crate::domain::oauth::scope::{Identity, Scopes};
use crate::store::grants::Grant;

/// For whom the tokens are.
pub struct Recipient<'a> {
    /// The client.
    pub client: &'a OauthClient,
    /// What it wants to read again in the ID token.
    pub nonce: Option<String>,
}

/// An ID token (OpenID Connect Core 1.0, 2).
#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    aud: String,
    iat: i64,
    exp: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(flatten)]
    person: Person,
}

/// What a client may know of the person, by the scopes (OpenID Connect Core 1.0, 5.1 and 5.4).
#[derive(Serialize, utoipa::ToSchema)]
pub struct Person {
    /// Their account.
    sub: AccountId,
    /// Their user name; with `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<String>,
    /// When their account was last changed, in seconds since 1970; with `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
    /// Their e-mail address; with `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

impl Person {
    /// What these scopes tell.
    pub fn of(account: &Account, scopes: &Scopes) -> Self {
        let profile = scopes.has(Identity::Profile);
        Self {
            sub: account.id,
            preferred_username: account.username.clone().filter(|_| profile),
            updated_at: profile.then(|| account.updated_at.timestamp()),
            email: scopes.has(Identity::Email).then(|| account.email.clone()),
        }
    }
}

/// The answer with the tokens of a grant.
pub fn give(
    state: &State,
    grant: &Grant,
    account: &Account,
    recipient: Recipient<'_>,
    refresh: Option<Secret>,
    now: DateTime<Utc>,
) -> Result<TokenAnswer, Problem> {
    let scopes = grant.scopes.within(&account.roles);
    let lifetime = state.access_lifetime;
    let mut claims = Claims::new(account.id, grant.sid(), account.roles.clone(), now, lifetime);
    claims.scope = scopes.hms();
    claims.patient_id = account.patient_id;
    claims.practitioner_id = account.practitioner_id;
    claims.client_id = Some(recipient.client.id.to_string());
    claims.department_id = recipient.client.department_id;
    let id_token = (scopes.has(Identity::Openid) && state.issuer.has_public_keys()).then(|| {
        state.issuer.sign(&IdToken {
            iss: state.issuer.issuer(),
            aud: recipient.client.id.to_string(),
            iat: now.timestamp(),
            exp: (now + lifetime).timestamp(),
            auth_time: grant.auth_time.timestamp(),
            nonce: recipient.nonce,
            person: Person::of(account, &scopes),
        })
    });
    Ok(TokenAnswer {
        access_token: state.issuer.issue(&claims)?,
        token_type: "Bearer",
        expires_in: lifetime.num_seconds(),
        scope: scopes.words(),
        refresh_token: refresh.map(|refresh| refresh.expose().to_owned()),
        id_token: id_token.transpose()?,
    })
}
