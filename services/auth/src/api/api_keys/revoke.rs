//! `DELETE /api-keys/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::{ApiKeyId, SessionId};
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use super::{API_KEY, held};
use crate::domain::api_key::Manager;
use crate::store::{api_keys, revocations};

/// Revokes an API key for good, with all tokens that were made of it. It stays in the list, so that the audit can be
/// read.
#[utoipa::path(tag = "api keys", operation_id = "revoke_api_key",
    params(("id" = Uuid, Path, description = "The key.")),
    responses((status = 204, description = "It is revoked."), Problems),
    security(("bearer" = ["api_key:write"])))]
#[delete("/api-keys/{id}")]
pub async fn revoke(call: Call<scope::ApiKeyWrite>, id: web::Path<ApiKeyId>) -> Result<Reply, Problem> {
    let (manager, id) = (Manager::of(call.claims()?), id.into_inner());
    call.write(move |work| {
        let key = held(work, id, &manager)?;
        let Some(revoked) = key.revoke(&manager, work.now)? else { return Ok(Reply::no_content()) };
        if !api_keys::update(work.db, &revoked, key.version)? {
            return Err(Code::PreconditionFailed.into());
        }
        work.audit(Act::new(Action::Delete, API_KEY).on(id))?;
        revocations::revoke(work.db, SessionId::from_uuid(id.uuid()), work.now)?;
        Ok(Reply::no_content())
    })
    .await
}
