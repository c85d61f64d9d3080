//! `PATCH /api-keys/{id}`.

use actix_web::{patch, web};
use chrono::{DateTime, Utc};
use hms_api::{Json, Problems};
use hms_model::Text;
use hms_model::audit::Action;
use hms_model::id::ApiKeyId;
use hms_model::role::{Scope, scope};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{API_KEY, held, shown};
use crate::domain::api_key::{ApiKey, Changes, Manager};
use crate::store::{accounts, api_keys};

/// What changes; what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyChanges {
    /// What it is for.
    #[schema(value_type = Option<String>)]
    name: Option<Text<1, 100>>,
    /// What it allows.
    scopes: Option<Vec<Scope>>,
    /// From when on it is no longer valid; never with null.
    #[serde(default, deserialize_with = "named")]
    expires_at: Option<Option<DateTime<Utc>>>,
}

/// A field that is named has a value, and be it null; serde would take null for "not named".
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Changes the name, the scopes or the end of an API key.
#[utoipa::path(tag = "api keys", operation_id = "change_api_key",
    params(("id" = Uuid, Path, description = "The key.")), request_body = ApiKeyChanges,
    responses((status = 200, body = ApiKey), Problems), security(("bearer" = ["api_key:write"])))]
#[patch("/api-keys/{id}")]
pub async fn change(
    call: Call<scope::ApiKeyWrite>,
    id: web::Path<ApiKeyId>,
    body: Json<ApiKeyChanges>,
) -> Result<Reply, Problem> {
    let (manager, id) = (Manager::of(call.claims()?), id.into_inner());
    let ApiKeyChanges { name, scopes, expires_at } = body.into_inner();
    call.write(move |work| {
        let key = held(work, id, &manager)?;
        let owner = accounts::find(work.db, key.account_id)?;
        let changed = key.change(Changes { name, scopes, expires_at }, &owner, &manager, work.now)?;
        if !api_keys::update(work.db, &changed, key.version)? {
            return Err(Code::PreconditionFailed.into());
        }
        work.audit(Act::new(Action::Update, API_KEY).on(id))?;
        shown(&changed)
    })
    .await
}
