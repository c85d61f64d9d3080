//! `POST /webhooks/deliveries/{id}/redeliver`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::WebhookDeliveryId;
use hms_model::role::{Reach, scope};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};

use super::DeliverySummary;
use crate::State;
use crate::api::webhooks::WEBHOOK_DELIVERY;
use crate::domain::webhook::DeliveryStatus;
use crate::store::webhooks::{self, deliveries};

/// Sends one again, whether it failed or arrived: with the same id and the same body, and the schedule begins anew. 409
/// while it is pending, and when the webhook is switched off.
#[utoipa::path(tag = "webhooks", operation_id = "redeliver_webhook_delivery",
    params(("id" = Uuid, Path, description = "The delivery.")),
    responses((status = 200, body = DeliverySummary), Problems), security(("bearer" = ["webhook:write"])))]
#[post("/webhooks/deliveries/{id}/redeliver")]
pub async fn redeliver(
    call: Call<scope::WebhookWrite>,
    state: web::Data<State>,
    id: web::Path<WebhookDeliveryId>,
) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let reply = call.write(move |work| send(work, id, reach)).await?;
    state.webhooks.wake.notify_one();
    Ok(reply)
}

fn send(work: &mut Work<'_>, id: WebhookDeliveryId, reach: Reach) -> Result<Reply, Problem> {
    let delivery = deliveries::find(work.db, id)?;
    let hook = webhooks::hold(work.db, delivery.webhook_id, reach)?;
    work.check_version(delivery.version)?;
    if hook.disabled.is_some() {
        return Err(Problem::new(Code::IllegalTransition).message("The webhook is switched off."));
    }
    if delivery.status == DeliveryStatus::Pending {
        return Err(Problem::new(Code::IllegalTransition).message("It is on its way already."));
    }
    let again = deliveries::save(work.db, delivery.again(work.now))?.ok_or(Code::PreconditionFailed)?;
    let act = Act::new(Action::Execute, WEBHOOK_DELIVERY).on(id).detail("sent again");
    work.audit(act.of_patients(again.patient_id))?;
    let version = again.version;
    Ok(Reply::ok(&DeliverySummary::from(again))?.version(version))
}
