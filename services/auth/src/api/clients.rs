//! Programs as OAuth clients: registered by admins.

pub mod change;
pub mod create;
pub mod get;
pub mod list;
pub mod revoke;
pub mod secret;

use hms_access::Claims;
use hms_model::Secret;
use hms_problem::{Code, Problem};
use hms_service::Reply;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::oauth::client::{OauthClient, Refusal};

/// A client with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct WithSecret {
    /// The secret; a public client has none. It is kept nowhere: whoever loses it makes another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(flatten)]
    client: OauthClient,
}

impl WithSecret {
    fn new(client: OauthClient, secret: Option<&Secret>) -> Self {
        Self { client_secret: secret.map(|secret| secret.expose().to_owned()), client }
    }
}

/// Refuses programs: one that made itself a client would have all that it gave to it, and never be locked out again.
fn by_a_person(claims: &Claims) -> Result<(), Problem> {
    match claims.client_id {
        Some(_) => Err(Problem::new(Code::Forbidden)
            .message("Clients are managed by people: sign in instead of using a key or a client.")),
        None => Ok(()),
    }
}

/// The answer that shows one client.
fn shown(client: &OauthClient) -> Result<Reply, Problem> {
    Ok(Reply::ok(client)?.version(client.version))
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let field = match refusal {
            Refusal::Revoked | Refusal::PublicHasNone => {
                return Problem::new(Code::IllegalTransition).message(refusal.to_string());
            }
            Refusal::NoGrant | Refusal::NoSecret => "grant_types",
            Refusal::OfTheWhole => "scopes",
            Refusal::NoRedirectUri | Refusal::TooManyRedirectUris => "redirect_uris",
        };
        Problem::field(Code::Unprocessable, field, refusal)
    }
}
