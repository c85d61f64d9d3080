//! Who the client is (RFC 6749, 2.3): by `Authorization: Basic`, or by parameters in the body.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hms_model::Secret;
use hms_model::id::ClientId;
use hms_service::Call;

use super::OauthError;
use crate::State;
use crate::domain::oauth::client::{ClientKind, OauthClient};
use crate::domain::oauth::error::ErrorCode;
use crate::store::clients;
use crate::tokens;

/// Who shows themselves.
pub enum Caller {
    /// A registered program; a public one has proved nothing.
    Client(Box<OauthClient>),
    /// A service of the platform.
    Service(&'static str),
}

struct Credentials {
    id: String,
    secret: Option<Secret>,
}

/// Finds out who calls; `client_id` and `client_secret` are the parameters of the body.
pub async fn identify<R>(
    call: &Call<R>,
    state: &State,
    request: &HttpRequest,
    client_id: Option<String>,
    client_secret: Option<Secret>,
) -> Result<Caller, OauthError> {
    let credentials = credentials(request, client_id, client_secret)?;
    if let Some(secret) = &credentials.secret
        && let Some(name) = state.service_clients.authenticate(&credentials.id, secret)
    {
        return Ok(Caller::Service(name));
    }
    let id: ClientId = credentials.id.parse().map_err(|_| unknown())?;
    let found = call.read(move |db| Ok(clients::find_with_secret(db, id)?)).await?;
    let (client, hash) = found.filter(|(client, _)| client.is_active()).ok_or_else(unknown)?;
    let shown = credentials.secret.as_ref().map(tokens::hash_of);
    let proven = match client.kind {
        ClientKind::Confidential => shown.is_some() && shown == hash,
        ClientKind::Public => shown.is_none(),
    };
    if proven { Ok(Caller::Client(Box::new(client))) } else { Err(unknown()) }
}

/// The same answer for an unknown client and a wrong secret.
fn unknown() -> OauthError {
    OauthError::new(ErrorCode::InvalidClient, "the client is not known, or did not prove who it is")
}

fn credentials(
    request: &HttpRequest,
    client_id: Option<String>,
    client_secret: Option<Secret>,
) -> Result<Credentials, OauthError> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let basic = header.and_then(|header| header.split_once(' '));
    let basic = basic.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    match (basic, client_id) {
        // RFC 6749, 2.3: one way at a time.
        (Some(_), _) if client_secret.is_some() => {
            Err(OauthError::new(ErrorCode::InvalidRequest, "the client shows itself in two ways"))
        }
        (Some((_, encoded)), given) => {
            let basic = decode(encoded.trim()).ok_or_else(unknown)?;
            if given.is_some_and(|given| given != basic.id) {
                return Err(OauthError::new(ErrorCode::InvalidRequest, "there are two client_ids"));
            }
            Ok(basic)
        }
        (None, Some(id)) => Ok(Credentials { id, secret: client_secret }),
        (None, None) => Err(OauthError::new(ErrorCode::InvalidRequest, "there is no client_id")),
    }
}

/// Both parts are form-encoded before they are put together (RFC 6749, 2.3.1).
fn decode(encoded: &str) -> Option<Credentials> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain =
        |part: &str| url::form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name.into_owned());
    Some(Credentials { id: plain(id)?, secret: plain(secret).map(Secret::new) })
}
