//! `GET /oauth/clients/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::ClientId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::oauth::client::OauthClient;
use crate::store::clients;

/// Shows a client, without its secret.
#[utoipa::path(tag = "oauth clients", operation_id = "get_oauth_client",
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 200, body = OauthClient), Problems), security(("bearer" = ["client:write"])))]
#[get("/oauth/clients/{id}")]
pub async fn get(call: Call<scope::ClientWrite>, id: web::Path<ClientId>) -> Result<Reply, Problem> {
    let id = id.into_inner();
    super::shown(&call.read(move |db| Ok(clients::find(db, id)?)).await?)
}
