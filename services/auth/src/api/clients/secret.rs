//! `POST /oauth/clients/{id}/secret`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::id::ClientId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use super::WithSecret;
use crate::api::auth::{Uncached, uncached};
use crate::api::oauth::CLIENT;
use crate::store::clients;
use crate::tokens;

/// Gives a confidential client another secret, which the answer shows once; the old one is good no longer.
#[utoipa::path(tag = "oauth clients", operation_id = "renew_oauth_client_secret",
    params(("id" = Uuid, Path, description = "The client.")),
    responses((status = 200, body = WithSecret), Problems), security(("bearer" = ["client:write"])))]
#[post("/oauth/clients/{id}/secret")]
pub async fn secret(call: Call<scope::ClientWrite>, id: web::Path<ClientId>) -> Result<Uncached, Problem> {
    super::by_a_person(call.claims()?)?;
    let id = id.into_inner();
    let reply = call.write_unkeyed(move |work| {
        let client = clients::find_locked(work.db, id)?;
        work.check_version(client.version)?;
        let changed = client.with_new_secret(work.now)?;
        let secret = Secret::new(tokens::random::<32>()?);
        if !clients::update_secret(work.db, &changed, &tokens::hash_of(&secret), client.version)? {
            return Err(Code::PreconditionFailed.into());
        }
        work.audit(Act::new(Action::Update, CLIENT).on(id).detail("secret"))?;
        let version = changed.version;
        Ok(Reply::ok(&WithSecret::new(changed, Some(&secret)))?.version(version))
    });
    Ok(uncached(reply.await?))
}
