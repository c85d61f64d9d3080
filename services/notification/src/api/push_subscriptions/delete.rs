//! `DELETE /push-subscriptions/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::PushSubscriptionId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use super::SUBSCRIPTION;
use crate::State;
use crate::api::{check, sight};
use crate::store::push_subscriptions;

/// Sends nothing to this browser or app any more; patients end only their own subscriptions.
#[utoipa::path(tag = "push-subscriptions", operation_id = "delete_push_subscription",
    params(("id" = Uuid, Path, description = "The subscription.")),
    responses((status = 204), Problems), security(("bearer" = ["notification:write"])))]
#[delete("/push-subscriptions/{id}")]
pub async fn delete(
    call: Call<scope::NotificationWrite>,
    state: web::Data<State>,
    id: web::Path<PushSubscriptionId>,
) -> Result<Reply, Problem> {
    let (sight, id) = (sight(&call, &state)?, id.into_inner());
    call.write(move |work| {
        let patient_id = push_subscriptions::owner(work.db, id)?;
        check(&sight, work.db, patient_id, work.now)?;
        push_subscriptions::remove(work.db, id)?;
        work.audit(Act::new(Action::Delete, SUBSCRIPTION).on(id).of_patient(patient_id))?;
        Ok(Reply::no_content())
    })
    .await
}
