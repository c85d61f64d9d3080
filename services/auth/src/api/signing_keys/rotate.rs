//! `POST /auth/keys/rotate`.

use actix_web::{post, web};
use chrono::{DateTime, Utc};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use crate::State;
use crate::signing;

/// The key that comes next.
#[derive(Serialize, ToSchema)]
pub struct NextKey {
    /// Its id, the `kid` under which it is published already.
    key_id: String,
    /// From when on it signs.
    used_from: DateTime<Utc>,
}

/// Lets another signing key follow the present one: published at once, used ten minutes later, so that everyone knows it
/// by then. One that was to follow anyway stays as it is. The old one is published until all that it signed has expired.
#[utoipa::path(tag = "auth", operation_id = "rotate_signing_key",
    responses((status = 200, body = NextKey), Problems), security(("bearer" = ["signing_key:write"])))]
#[post("/auth/keys/rotate")]
pub async fn rotate(call: Call<scope::SigningKeyWrite>, state: web::Data<State>) -> Result<Reply, Problem> {
    if !state.issuer.has_public_keys() {
        let reason = "Tokens are signed with a shared secret: replace JWT_SECRET everywhere instead.";
        return Err(Problem::new(Code::Unprocessable).message(reason));
    }
    let period = state.key_period;
    let reply = call.write(move |work| {
        let rotation = signing::rotate(work.db, period, true, work.now)?.ok_or(Code::Internal)?;
        if rotation.made {
            work.audit(rotation.act())?;
        }
        Reply::ok(&NextKey { key_id: rotation.next, used_from: rotation.from })
    });
    let reply = reply.await?;
    state.issuer.reload(&call.context().database).await.map_err(|error| {
        tracing::error!(error = format!("{error:#}"), "the signing keys cannot be read");
        Problem::new(Code::Unavailable)
    })?;
    Ok(reply)
}
