//! `POST /webhooks/{id}/secret/rotate`.

use actix_web::{post, web};
use chrono::TimeDelta;
use hms_api::{Json, Problems};
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::id::WebhookId;
use hms_model::role::{Reach, scope};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ShownOnce, Uncached, WEBHOOK, key_of, sealed, uncached, written};
use crate::State;
use crate::store::webhooks;

/// The longest time for which two secrets are good.
const LONGEST_OVERLAP: u16 = 168;
/// The time when none is given.
const OVERLAP: u16 = 24;

/// What a client sends to give a webhook another secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The new secret, as for a new webhook; one is made when it is left out.
    secret: Option<Secret>,
    /// For how many hours deliveries are signed with the old one too, 0 to 168.
    #[schema(default = 24, maximum = 168)]
    overlap_hours: Option<u16>,
}

/// Gives a webhook another secret, or another key pair, and shows it once. For a while each delivery carries two
/// signatures, so that the receiver can change over at any time.
#[utoipa::path(tag = "webhooks", operation_id = "rotate_webhook_secret", request_body = Rotation,
    params(("id" = Uuid, Path, description = "The webhook.")),
    responses((status = 200, body = ShownOnce), Problems), security(("bearer" = ["webhook:write"])))]
#[post("/webhooks/{id}/secret/rotate")]
pub async fn rotate(
    call: Call<scope::WebhookWrite>,
    state: web::Data<State>,
    id: web::Path<WebhookId>,
    body: Json<Rotation>,
) -> Result<Uncached, Problem> {
    let (reach, id, rotation) = (call.reach()?, id.into_inner(), body.into_inner());
    let hours = rotation.overlap_hours.unwrap_or(OVERLAP);
    if hours > LONGEST_OVERLAP {
        return Err(Problem::field(Code::Unprocessable, "overlap_hours", "must be 0 to 168"));
    }
    let secret = rotation.secret;
    let reply =
        call.write_unkeyed(move |work| change(work, &state, (id, reach), secret.as_ref(), hours)).await?;
    Ok(uncached(reply))
}

fn change(
    work: &mut Work<'_>,
    state: &State,
    (id, reach): (WebhookId, Reach),
    secret: Option<&Secret>,
    hours: u16,
) -> Result<Reply, Problem> {
    let mut hook = webhooks::hold(work.db, id, reach)?;
    work.check_version(hook.version)?;
    let key = key_of(hook.signing, secret)?;
    let before = std::mem::replace(&mut hook.sealed, sealed(&state.webhooks.seal, id, &key)?);
    hook.previous = (hours > 0).then(|| (before, work.now + TimeDelta::hours(hours.into())));
    hook.public_key = key.public_key();
    let next = hook.touched(work.now);
    written(webhooks::save(work.db, &next)?)?;
    work.audit(Act::new(Action::Update, WEBHOOK).on(id).detail("secret"))?;
    let version = next.version;
    Ok(Reply::ok(&ShownOnce::new(next, &key))?.version(version))
}
