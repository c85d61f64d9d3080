//! `DELETE /webhooks/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::WebhookId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use super::WEBHOOK;
use crate::store::webhooks;

/// Deletes a webhook with its deliveries and their log; what is pending is never sent.
#[utoipa::path(tag = "webhooks", operation_id = "delete_webhook",
    params(("id" = Uuid, Path, description = "The webhook.")),
    responses((status = 204), Problems), security(("bearer" = ["webhook:write"])))]
#[delete("/webhooks/{id}")]
pub async fn delete(call: Call<scope::WebhookWrite>, id: web::Path<WebhookId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    call.write(move |work| {
        let hook = webhooks::hold(work.db, id, reach)?;
        work.check_version(hook.version)?;
        webhooks::delete(work.db, id)?;
        work.audit(Act::new(Action::Delete, WEBHOOK).on(id))?;
        Ok(Reply::no_content())
    })
    .await
}
