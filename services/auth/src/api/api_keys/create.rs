//! `POST /api-keys`.

use actix_web::post;
use chrono::{DateTime, Utc};
use hms_api::{Json, Problems};
use hms_model::Text;
use hms_model::audit::Action;
use hms_model::id::{AccountId, DepartmentId};
use hms_model::role::{Scope, scope};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{API_KEY, ShownOnce, new_secret};
use crate::api::auth::{Uncached, uncached};
use crate::domain::api_key::{self, MOST_KEYS, Manager, NewApiKey, Refusal};
use crate::store::{accounts, api_keys};

/// What a key is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyForm {
    /// What it is for.
    #[schema(value_type = String)]
    name: Text<1, 100>,
    /// What it allows: at least one, and none that its account does not have.
    scopes: Vec<Scope>,
    /// For whom it acts, by default for whoever makes it; for another account with `account:write` only.
    account_id: Option<AccountId>,
    /// The one department whose records it reaches.
    department_id: Option<DepartmentId>,
    /// From when on it is no longer valid; never when it is left out.
    expires_at: Option<DateTime<Utc>>,
}

/// Makes an API key. The answer shows it once; here only a hash of it is kept, and so is no answer to a repeated request.
#[utoipa::path(tag = "api keys", operation_id = "create_api_key", request_body = ApiKeyForm,
    responses((status = 201, body = ShownOnce), Problems), security(("bearer" = ["api_key:write"])))]
#[post("/api-keys")]
pub async fn create(call: Call<scope::ApiKeyWrite>, body: Json<ApiKeyForm>) -> Result<Uncached, Problem> {
    let manager = Manager::of(call.claims()?);
    let form = body.into_inner();
    Ok(uncached(call.write_unkeyed(move |work| make(work, form, &manager)).await?))
}

fn make(work: &mut Work<'_>, form: ApiKeyForm, manager: &Manager) -> Result<Reply, Problem> {
    let ApiKeyForm { name, scopes, account_id, department_id, expires_at } = form;
    let owner = account_id.unwrap_or(manager.account_id);
    if !manager.may_manage(owner) {
        return Err(Refusal::ForAnother.into());
    }
    let owner = accounts::find_locked(work.db, owner).map_err(|error| match error {
        hms_db::Error::NotFound => {
            Problem::field(Code::UnknownReference, "account_id", "there is no such account")
        }
        error => error.into(),
    })?;
    if api_keys::count(work.db, owner.id)? >= MOST_KEYS {
        return Err(Refusal::TooMany.into());
    }
    let new = NewApiKey { name, scopes, department_id, expires_at };
    let key = api_key::make(new, &owner, manager, work.new_id(), work.now)?;
    let (secret, hash) = new_secret()?;
    api_keys::insert(work.db, &key, &hash)?;
    work.audit(Act::new(Action::Create, API_KEY).on(key.id))?;
    let (version, path) = (key.version, format!("/api/v1/api-keys/{}", key.id));
    Ok(Reply::created(&ShownOnce::new(key, &secret))?.version(version).at(path))
}
