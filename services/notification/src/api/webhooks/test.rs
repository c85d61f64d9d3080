//! `POST /webhooks/{id}/test`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::WebhookId;
use hms_model::role::{Reach, scope};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde_json::json;

use super::WEBHOOK;
use super::deliveries::DeliverySummary;
use crate::State;
use crate::domain::webhook::{Delivery, TEST_EVENT, body_of};
use crate::store::webhooks::{self, deliveries};

/// Sends an event of the type `webhook.test`, signed and tried as every other. The answer names the delivery, which
/// tells what becomes of it. 409 when the webhook is switched off.
#[utoipa::path(tag = "webhooks", operation_id = "test_webhook",
    params(("id" = Uuid, Path, description = "The webhook.")),
    responses((status = 201, body = DeliverySummary), Problems), security(("bearer" = ["webhook:write"])))]
#[post("/webhooks/{id}/test")]
pub async fn test(
    call: Call<scope::WebhookWrite>,
    state: web::Data<State>,
    id: web::Path<WebhookId>,
) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let reply = call.write(move |work| send(work, id, reach)).await?;
    state.webhooks.wake.notify_one();
    Ok(reply)
}

fn send(work: &mut Work<'_>, id: WebhookId, reach: Reach) -> Result<Reply, Problem> {
    let hook = webhooks::hold(work.db, id, reach)?;
    if hook.disabled.is_some() {
        return Err(Problem::new(Code::IllegalTransition).message("The webhook is switched off."));
    }
    let payload = body_of(TEST_EVENT, work.now, &json!({ "webhook_id": id }));
    let delivery = Delivery::new(work.new_id(), id, (work.new_id(), TEST_EVENT), payload, work.now);
    deliveries::add_all(work.db, std::slice::from_ref(&delivery))?;
    work.audit(Act::new(Action::Execute, WEBHOOK).on(id).detail("test"))?;
    let place = format!("/api/v1/webhooks/deliveries/{}", delivery.id);
    Ok(Reply::created(&DeliverySummary::from(delivery))?.at(place))
}
