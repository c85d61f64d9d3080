//! `POST /oauth/clients`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::DepartmentId;
use hms_model::role::scope;
use hms_model::{Secret, Text};
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::WithSecret;
use crate::api::auth::{Uncached, uncached};
use crate::api::oauth::CLIENT;
use crate::domain::oauth::client::{self, ClientKind, GrantType, NewClient};
use crate::domain::oauth::redirect::RedirectUri;
use crate::domain::oauth::scope::Scopes;
use crate::store::clients;
use crate::tokens;

/// What a client is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientForm {
    /// What people read before they allow it.
    #[schema(value_type = String)]
    name: Text<1, 100>,
    /// Whether it can keep a secret.
    kind: ClientKind,
    /// Where it may be answered: each letter by letter; the port of a loopback address is free (RFC 8252, 7.3).
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    redirect_uris: Vec<RedirectUri>,
    /// How it may come by a token.
    grant_types: Vec<GrantType>,
    /// What it may ask for: scopes of HMS, and `openid`, `profile`, `email`, `offline_access`.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// The one department whose records it reaches; only staff may allow it anything then.
    department_id: Option<DepartmentId>,
}

/// Registers a program as a client. The answer shows its secret once; here only a hash of it is kept, and so is no
/// answer to a repeated request.
#[utoipa::path(tag = "oauth clients", operation_id = "create_oauth_client", request_body = ClientForm,
    responses((status = 201, body = WithSecret), Problems), security(("bearer" = ["client:write"])))]
#[post("/oauth/clients")]
pub async fn create(call: Call<scope::ClientWrite>, body: Json<ClientForm>) -> Result<Uncached, Problem> {
    super::by_a_person(call.claims()?)?;
    let by = call.claims()?.sub;
    let ClientForm { name, kind, redirect_uris, grant_types, scopes, department_id } = body.into_inner();
    let new = NewClient { name, kind, redirect_uris, grant_types, scopes, department_id };
    let reply = call.write_unkeyed(move |work| {
        let client = client::register(new, by, work.new_id(), work.now)?;
        let secret = match client.kind {
            ClientKind::Confidential => Some(Secret::new(tokens::random::<32>()?)),
            ClientKind::Public => None,
        };
        clients::insert(work.db, &client, secret.as_ref().map(tokens::hash_of).as_deref())?;
        work.audit(Act::new(Action::Create, CLIENT).on(client.id))?;
        let (version, path) = (client.version, format!("/api/v1/oauth/clients/{}", client.id));
        Ok(Reply::created(&WithSecret::new(client, secret.as_ref()))?.version(version).at(path))
    });
    Ok(uncached(reply.await?))
}
