//! `GET /api-keys/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::ApiKeyId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply};

use crate::domain::api_key::{ApiKey, Manager};
use crate::store::api_keys;

/// Shows an API key, without its secret.
#[utoipa::path(tag = "api keys", operation_id = "get_api_key",
    params(("id" = Uuid, Path, description = "The key.")),
    responses((status = 200, body = ApiKey), Problems), security(("bearer" = ["api_key:write"])))]
#[get("/api-keys/{id}")]
pub async fn get(call: Call<scope::ApiKeyWrite>, id: web::Path<ApiKeyId>) -> Result<Reply, Problem> {
    let (manager, id) = (Manager::of(call.claims()?), id.into_inner());
    let key = call.read(move |db| Ok(api_keys::find(db, id)?)).await?;
    if !manager.may_manage(key.account_id) {
        return Err(Code::NotFound.into());
    }
    super::shown(&key)
}
