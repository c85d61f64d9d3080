//! `POST /webhooks`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::{AccountId, DepartmentId};
use hms_model::role::scope;
use hms_model::{Email, Secret, Text};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    ShownOnce, Uncached, WEBHOOK, checked_events, checked_url, department, key_of, sealed, uncached,
};
use crate::State;
use crate::domain::webhook::{Hook, MOST_WEBHOOKS, Signing, SigningKey};
use crate::store::webhooks;

/// What a client sends to make a webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where deliveries go: https, on the public network.
    #[schema(examples("https://hooks.example.org/hms"))]
    url: String,
    /// The types of events that it receives.
    #[schema(examples(json!(["patient.created", "appointment.scheduled"])))]
    events: Vec<String>,
    /// The secret, 24 to 64 bytes: `whsec_` and base64, or a text; one is made when it is left out.
    secret: Option<Secret>,
    /// How deliveries are signed: `v1` (HMAC-SHA256 with the secret) unless it says `v1a` (Ed25519).
    signing: Option<Signing>,
    /// The one department whose events it receives.
    department_id: Option<DepartmentId>,
    /// What it is for.
    description: Option<Text<1, 200>>,
    /// Who is told by mail when it is switched off.
    contact_email: Option<Email>,
}

/// Makes a webhook. The answer shows its secret once; here it is kept sealed, and no answer is kept for a repetition.
#[utoipa::path(tag = "webhooks", operation_id = "create_webhook", request_body = NewWebhook,
    responses((status = 201, body = ShownOnce), Problems), security(("bearer" = ["webhook:write"])))]
#[post("/webhooks")]
pub async fn create(
    call: Call<scope::WebhookWrite>,
    state: web::Data<State>,
    body: Json<NewWebhook>,
) -> Result<Uncached, Problem> {
    let (reach, account_id) = (call.reach()?, call.claims()?.sub);
    let new = body.into_inner();
    let url = checked_url(&state.webhooks.rules, &new.url)?;
    let new = NewWebhook {
        url,
        events: checked_events(new.events)?,
        department_id: department(reach, new.department_id)?,
        ..new
    };
    let signing = new.signing.unwrap_or(Signing::Shared);
    let key = key_of(signing, new.secret.as_ref())?;
    Ok(uncached(call.write_unkeyed(move |work| make(work, &state, new, key, signing, account_id)).await?))
}

fn make(
    work: &mut Work<'_>,
    state: &State,
    new: NewWebhook,
    key: SigningKey,
    signing: Signing,
    account_id: AccountId,
) -> Result<Reply, Problem> {
    if webhooks::count(work.db)? >= MOST_WEBHOOKS {
        let message = format!("There are {MOST_WEBHOOKS} webhooks already, which is the most.");
        return Err(Problem::new(Code::Unprocessable).message(message));
    }
    let id = work.new_id();
    let hook = Hook {
        id,
        version: 1,
        url: new.url,
        description: new.description.map(Into::into),
        events: new.events,
        department_id: new.department_id,
        signing,
        sealed: sealed(&state.webhooks.seal, id, &key)?,
        previous: None,
        public_key: key.public_key(),
        contact_email: new.contact_email,
        account_id,
        disabled: None,
        failing_since: None,
        created_at: work.now,
        updated_at: work.now,
    };
    webhooks::insert(work.db, &hook)?;
    work.audit(Act::new(Action::Create, WEBHOOK).on(id))?;
    let (version, place) = (hook.version, format!("/api/v1/webhooks/{id}"));
    Ok(Reply::created(&ShownOnce::new(hook, &key))?.version(version).at(place))
}
