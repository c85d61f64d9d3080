//! `PATCH /webhooks/{id}`.

use actix_web::{patch, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::{DepartmentId, WebhookId};
use hms_model::role::{Reach, scope};
use hms_model::{Email, Text};
use hms_problem::Problem;
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{WEBHOOK, Webhook, checked_events, checked_url, department, written};
use crate::State;
use crate::domain::webhook::DisabledReason;
use crate::store::webhooks::{self, deliveries};

/// What a client sends to change a webhook: what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    /// Where deliveries go from now on, those that wait too.
    url: Option<String>,
    /// The types of events that it receives from now on.
    events: Option<Vec<String>>,
    /// The one department whose events it receives.
    department_id: Option<DepartmentId>,
    /// What it is for.
    description: Option<Text<1, 200>>,
    /// Who is told by mail when it is switched off.
    contact_email: Option<Email>,
    /// Whether it receives anything. Switched off, what is pending has failed; switched on, it begins with a clean slate,
    /// and what failed can be sent again.
    enabled: Option<bool>,
}

/// Changes a webhook, or switches it off or on.
#[utoipa::path(tag = "webhooks", operation_id = "update_webhook", request_body = WebhookChange,
    params(("id" = Uuid, Path, description = "The webhook.")),
    responses((status = 200, body = Webhook), Problems), security(("bearer" = ["webhook:write"])))]
#[patch("/webhooks/{id}")]
pub async fn update(
    call: Call<scope::WebhookWrite>,
    state: web::Data<State>,
    id: web::Path<WebhookId>,
    body: Json<WebhookChange>,
) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let change = body.into_inner();
    let url = change.url.map(|url| checked_url(&state.webhooks.rules, &url)).transpose()?;
    let events = change.events.map(checked_events).transpose()?;
    let change = WebhookChange { url, events, ..change };
    call.write(move |work| apply(work, id, reach, change)).await
}

fn apply(work: &mut Work<'_>, id: WebhookId, reach: Reach, change: WebhookChange) -> Result<Reply, Problem> {
    let mut hook = webhooks::hold(work.db, id, reach)?;
    work.check_version(hook.version)?;
    if let Some(wanted) = change.department_id {
        hook.department_id = department(reach, Some(wanted))?;
    }
    hook.url = change.url.unwrap_or(hook.url);
    hook.events = change.events.unwrap_or(hook.events);
    hook.description = change.description.map(Into::into).or(hook.description);
    hook.contact_email = change.contact_email.or(hook.contact_email);
    let next = match (change.enabled, hook.disabled.is_some()) {
        (Some(false), false) => {
            deliveries::give_up(work.db, id, "the webhook was switched off", work.now)?;
            hook.off(DisabledReason::ByHand, work.now)
        }
        (Some(true), true) => hook.on(work.now),
        _ => hook.touched(work.now),
    };
    written(webhooks::save(work.db, &next)?)?;
    work.audit(Act::new(Action::Update, WEBHOOK).on(id))?;
    let version = next.version;
    Ok(Reply::ok(&Webhook::from(next))?.version(version))
}
