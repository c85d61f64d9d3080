//! `POST /api-keys/{id}/rotate`.

use actix_web::{post, web};
use chrono::{DateTime, TimeDelta, Utc};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::ApiKeyId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{API_KEY, ShownOnce, held, new_secret};
use crate::api::auth::{Uncached, uncached};
use crate::domain::api_key::Manager;
use crate::store::api_keys;

const OVERLAP: TimeDelta = TimeDelta::days(1);

/// How the old secret ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRotation {
    /// Until when the old secret stays good, at most for 30 days: for one day when it is left out, no longer when it lies
    /// in the past.
    old_valid_until: Option<DateTime<Utc>>,
}

/// Gives an API key a new secret, which the answer shows once. The key stays the same: its id, scopes and department. A
/// secret that others have is better ended by revoking the key: tokens made of the old one live for up to five minutes.
#[utoipa::path(tag = "api keys", operation_id = "rotate_api_key",
    params(("id" = Uuid, Path, description = "The key.")), request_body = ApiKeyRotation,
    responses((status = 200, body = ShownOnce), Problems), security(("bearer" = ["api_key:write"])))]
#[post("/api-keys/{id}/rotate")]
pub async fn rotate(
    call: Call<scope::ApiKeyWrite>,
    id: web::Path<ApiKeyId>,
    body: Json<ApiKeyRotation>,
) -> Result<Uncached, Problem> {
    let (manager, id, until) =
        (Manager::of(call.claims()?), id.into_inner(), body.into_inner().old_valid_until);
    let reply = call.write_unkeyed(move |work| {
        let key = held(work, id, &manager)?;
        let rotated = key.rotate(until.unwrap_or(work.now + OVERLAP), &manager, work.now)?;
        let (secret, hash) = new_secret()?;
        if !api_keys::rotate(work.db, &rotated, &hash, key.version)? {
            return Err(Code::PreconditionFailed.into());
        }
        work.audit(Act::new(Action::Update, API_KEY).on(id).detail("secret"))?;
        let version = rotated.version;
        Ok(Reply::ok(&ShownOnce::new(rotated, &secret))?.version(version))
    });
    Ok(uncached(reply.await?))
}
