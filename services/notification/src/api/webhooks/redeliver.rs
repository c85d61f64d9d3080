//! `POST /webhooks/{id}/redeliver`.

use actix_web::{post, web};
use chrono::{DateTime, Utc};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::WebhookId;
use hms_model::role::{Reach, scope};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::WEBHOOK;
use crate::State;
use crate::store::webhooks::{self, deliveries};

/// Which deliveries to send again.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// Those of events since this moment (RFC 3339).
    since: DateTime<Utc>,
}

/// How many deliveries are sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Redelivered {
    /// So many.
    count: usize,
}

/// Sends all again that has failed of the events since a moment. The schedule of each begins anew; what has arrived is not
/// sent again. 409 when the webhook is switched off.
#[utoipa::path(tag = "webhooks", operation_id = "redeliver_webhook",
    params(("id" = Uuid, Path, description = "The webhook."), Since),
    responses((status = 200, body = Redelivered), Problems), security(("bearer" = ["webhook:write"])))]
#[post("/webhooks/{id}/redeliver")]
pub async fn redeliver(
    call: Call<scope::WebhookWrite>,
    state: web::Data<State>,
    id: web::Path<WebhookId>,
    query: Result<web::Query<Since>, actix_web::Error>,
) -> Result<Reply, Problem> {
    let since =
        query.map_err(|_| Problem::field(Code::InvalidRequest, "since", "must be a moment (RFC 3339)"))?;
    let (reach, id, since) = (call.reach()?, id.into_inner(), since.since);
    let reply = call.write(move |work| send(work, (id, reach), since)).await?;
    state.webhooks.wake.notify_one();
    Ok(reply)
}

fn send(
    work: &mut Work<'_>,
    (id, reach): (WebhookId, Reach),
    since: DateTime<Utc>,
) -> Result<Reply, Problem> {
    let hook = webhooks::hold(work.db, id, reach)?;
    if hook.disabled.is_some() {
        return Err(Problem::new(Code::IllegalTransition).message("The webhook is switched off."));
    }
    let count = deliveries::again(work.db, id, since, work.now)?;
    work.audit(Act::new(Action::Execute, WEBHOOK).on(id).detail(format!("{count} sent again")))?;
    Reply::ok(&Redelivered { count })
}
