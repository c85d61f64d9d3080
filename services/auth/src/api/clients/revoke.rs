//! `DELETE /oauth/clients/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::{ClientId, SessionId};
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use crate::api::oauth::CLIENT;
use crate::store::{clients, grants, revocations};

/// Ends a client for good, with all grants that it was given and all tokens that it has. It stays in the list, so that
/// the audit can be read.
#[utoipa::path(tag = "oauth clients", operation_id = "revoke_oauth_client",
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 204, description = "It is gone."), Problems),
    security(("bearer" = ["client:write"])))]
#[delete("/oauth/clients/{id}")]
pub async fn revoke(call: Call<scope::ClientWrite>, id: web::Path<ClientId>) -> Result<Reply, Problem> {
    super::by_a_person(call.claims()?)?;
    let id = id.into_inner();
    call.write(move |work| {
        let client = clients::find_locked(work.db, id)?;
        work.check_version(client.version)?;
        let Some(revoked) = client.revoke(work.now) else { return Ok(Reply::no_content()) };
        if !clients::update(work.db, &revoked, client.version)? {
            return Err(Code::PreconditionFailed.into());
        }
        let ended = grants::revoke_of_client(work.db, id, work.now)?;
        work.audit(Act::new(Action::Delete, CLIENT).on(id))?;
        // Its own tokens carry its id.
        let sids = ended.into_iter().map(|grant| grant.uuid()).chain([id.uuid()]).map(SessionId::from_uuid);
        for sid in sids {
            revocations::revoke(work.db, sid, work.now)?;
        }
        Ok(Reply::no_content())
    })
    .await
}
