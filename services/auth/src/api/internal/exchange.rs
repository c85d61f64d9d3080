//! `POST /internal/api-keys/exchange`.

use std::net::IpAddr;

use actix_web::{post, web};
use chrono::{DateTime, TimeDelta, Utc};
use hms_access::Claims;
use hms_api::{Json, Problems};
use hms_db::Db;
use hms_model::Secret;
use hms_model::id::SessionId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::only;
use crate::State;
use crate::api::auth::{Uncached, uncached};
use crate::domain::account::Account;
use crate::domain::api_key::{self, ApiKey, Presented};
use crate::service_clients::GATEWAY;
use crate::store::{accounts, api_keys};
use crate::tokens;

/// How long a token for a key lives at the most.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// The plan by which programs are limited.
pub const INTEGRATION: &str = "integration";

/// A key that somebody shows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The key.
    key: Secret,
    /// Whose request carries it.
    #[schema(value_type = Option<String>)]
    client_ip: Option<IpAddr>,
}

/// A token for it.
#[derive(Serialize, ToSchema)]
pub struct Exchanged {
    /// The access token.
    access: String,
    /// For how many seconds it is valid.
    #[schema(examples(300))]
    expires_in: i64,
}

/// Gives the gateway a short token for an API key; 401 when the key is unknown, expired or revoked, or its account is
/// disabled.
#[utoipa::path(tag = "internal", operation_id = "exchange_api_key", request_body = Exchange,
    responses((status = 200, body = Exchanged), Problems), security(("bearer" = [])))]
#[post("/internal/api-keys/exchange")]
pub async fn exchange(
    call: Call<scope::Internal>,
    state: web::Data<State>,
    body: Json<Exchange>,
) -> Result<Uncached, Problem> {
    only(call.claims()?, &[GATEWAY])?;
    let (body, now) = (body.into_inner(), call.context().clock.now());
    let presented = api_key::read(body.key.expose()).map_err(|_| invalid())?;
    let id = presented.id;
    let found = call.read(move |db| find(db, &presented, now)).await?;
    let Some((key, account)) = found else {
        tracing::info!(api_key = %id, client_ip = ?body.client_ip, "an API key was refused");
        return Err(invalid());
    };
    state.last_use.note(id, now);
    let lifetime = key.token_lifetime(LIFETIME.min(state.access_lifetime), now);
    let claims = claims(&key, &account, lifetime, now);
    let answer = Exchanged { access: state.issuer.issue(&claims)?, expires_in: lifetime.num_seconds() };
    Ok(uncached(Reply::ok(&answer)?))
}

fn invalid() -> Problem {
    Problem::new(Code::Unauthenticated).message("The API key is not valid.")
}

fn find(
    db: &mut Db,
    presented: &Presented,
    now: DateTime<Utc>,
) -> Result<Option<(ApiKey, Account)>, Problem> {
    let Some((key, hashes)) = api_keys::find_with_hashes(db, presented.id)? else { return Ok(None) };
    let hash = tokens::hash_of(&presented.secret);
    if !key.is_valid(now) || !hashes.admit(&hash, &key, now) {
        return Ok(None);
    }
    let account = accounts::find(db, key.account_id)?;
    let staff = account.roles.iter().any(|role| role.is_staff());
    // Whoever has left the staff would reach their own records with it, and not those of the department.
    let bound_in_vain = key.department_id.is_some() && !staff;
    Ok((account.is_active() && !bound_in_vain).then_some((key, account)))
}

fn claims(key: &ApiKey, account: &Account, lifetime: TimeDelta, now: DateTime<Utc>) -> Claims {
    let sid = SessionId::from_uuid(key.id.uuid());
    let mut claims = Claims::new(account.id, sid, account.roles.clone(), now, lifetime);
    claims.scope = key.effective_scopes(account);
    claims.patient_id = account.patient_id;
    claims.practitioner_id = account.practitioner_id;
    claims.client_id = Some(key.id.to_string());
    claims.department_id = key.department_id;
    claims.plan = Some(INTEGRATION.to_owned());
    claims
}
