//! `GET /webhooks/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::WebhookId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::Webhook;
use crate::store::webhooks;

/// Shows a webhook, without its secret.
#[utoipa::path(tag = "webhooks", operation_id = "get_webhook",
    params(("id" = Uuid, Path, description = "The webhook.")),
    responses((status = 200, body = Webhook), Problems), security(("bearer" = ["webhook:read"])))]
#[get("/webhooks/{id}")]
pub async fn get(call: Call<scope::WebhookRead>, id: web::Path<WebhookId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let hook = call.read(move |db| Ok(webhooks::find(db, id, reach)?)).await?;
    let version = hook.version;
    Ok(Reply::ok(&Webhook::from(hook))?.version(version))
}
