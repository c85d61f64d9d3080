//! `PATCH /oauth/clients/{id}`.

use actix_web::{patch, web};
use hms_api::{Json, Problems};
use hms_model::Text;
use hms_model::audit::Action;
use hms_model::id::ClientId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::oauth::CLIENT;
use crate::domain::oauth::client::{ClientChanges, GrantType, OauthClient};
use crate::domain::oauth::redirect::RedirectUri;
use crate::domain::oauth::scope::Scopes;
use crate::store::clients;

/// What changes; what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientPatch {
    /// What people read before they allow it.
    #[schema(value_type = Option<String>)]
    name: Option<Text<1, 100>>,
    /// Where it may be answered.
    #[schema(value_type = Option<Vec<String>>)]
    redirect_uris: Option<Vec<RedirectUri>>,
    /// How it may come by a token.
    grant_types: Option<Vec<GrantType>>,
    /// What it may ask for; grants of before keep what they have.
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Scopes>,
}

/// Changes a client.
#[utoipa::path(tag = "oauth clients", operation_id = "change_oauth_client",
    params(("id" = Uuid, Path, description = "The client.")), request_body = ClientPatch,
    responses((status = 200, body = OauthClient), Problems), security(("bearer" = ["client:write"])))]
#[patch("/oauth/clients/{id}")]
pub async fn change(
    call: Call<scope::ClientWrite>,
    id: web::Path<ClientId>,
    body: Json<ClientPatch>,
) -> Result<Reply, Problem> {
    super::by_a_person(call.claims()?)?;
    let (id, ClientPatch { name, redirect_uris, grant_types, scopes }) = (id.into_inner(), body.into_inner());
    let changes = ClientChanges { name, redirect_uris, grant_types, scopes };
    call.write(move |work| {
        let client = clients::find_locked(work.db, id)?;
        work.check_version(client.version)?;
        let changed = client.change(changes, work.now)?;
        if !clients::update(work.db, &changed, client.version)? {
            return Err(Code::PreconditionFailed.into());
        }
        work.audit(Act::new(Action::Update, CLIENT).on(id))?;
        super::shown(&changed)
    })
    .await
}
