//! `GET /oauth/clients`.

use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::oauth::client::{ClientKind, OauthClient};
use crate::store::clients;

list_filters! {
    /// What `GET /oauth/clients` can be filtered by.
    pub struct ClientFilters {
        kind: ClientKind = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["created_at"],
}

/// Lists the registered clients.
#[utoipa::path(tag = "oauth clients", operation_id = "list_oauth_clients", params(List<ClientFilters>),
    responses((status = 200, body = Page<OauthClient>), Problems), security(("bearer" = ["client:write"])))]
#[get("/oauth/clients")]
pub async fn list(call: Call<scope::ClientWrite>, list: List<ClientFilters>) -> Result<Reply, Problem> {
    Reply::ok(&call.read(move |db| Ok(clients::list(db, &list)?)).await?)
}
