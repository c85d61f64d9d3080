//! `GET /api-keys`.

use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::id::AccountId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::api_key::{ApiKey, Manager};
use crate::store::api_keys;

list_filters! {
    /// What `GET /api-keys` can be filtered by.
    pub struct ApiKeyFilters {
        account_id: AccountId = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["created_at"],
}

/// Lists API keys: one's own, and with `account:write` everybody's.
#[utoipa::path(tag = "api keys", operation_id = "list_api_keys", params(List<ApiKeyFilters>),
    responses((status = 200, body = Page<ApiKey>), Problems), security(("bearer" = ["api_key:write"])))]
#[get("/api-keys")]
pub async fn list(call: Call<scope::ApiKeyWrite>, list: List<ApiKeyFilters>) -> Result<Reply, Problem> {
    let manager = Manager::of(call.claims()?);
    let of = (!manager.manages_all()).then_some(manager.account_id);
    Reply::ok(&call.read(move |db| Ok(api_keys::list(db, &list, of)?)).await?)
}
