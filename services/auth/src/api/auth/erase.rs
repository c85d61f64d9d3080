//! `POST /auth/me/erase`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::Secret;
use hms_model::role::{Role, scope};
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{own_account_locked, proof};
use crate::State;
use crate::api::accounts::erasing;
use crate::domain::account::Refusal;

/// Who wants to be forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// The password of the account.
    password: Secret,
}

/// Deletes one's own account with all personal data in it (GDPR, article 17). The records of a patient are not part of
/// the account and stay. Admins are deleted by another admin.
#[utoipa::path(tag = "auth", operation_id = "erase_own_account", request_body = Erasure,
    responses((status = 204, description = "It is deleted."), Problems), security(("bearer" = [])))]
#[post("/auth/me/erase")]
pub async fn erase(
    call: Call<scope::InPerson>,
    state: web::Data<State>,
    body: Json<Erasure>,
) -> Result<Reply, Problem> {
    let id = call.claims()?.sub;
    let proof = proof::prove(&call, &state, Some(body.into_inner().password)).await?;
    call.write_unkeyed(move |work| {
        let account = own_account_locked(work.db, id)?;
        proof.holds(work, id)?;
        if account.roles.contains(&Role::Admin) {
            return Err(Refusal::AdminsOwn.into());
        }
        erasing::erase(work, &account)?;
        Ok(Reply::no_content())
    })
    .await
}
