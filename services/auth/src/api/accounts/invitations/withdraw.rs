//! `DELETE /accounts/invitations/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::AccountId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use crate::domain::invitation::InvitationStatus;
use crate::store::invitations;

/// Takes an open invitation back.
#[utoipa::path(
    tag = "accounts",
    operation_id = "withdraw_invitation",
    params(("id" = Uuid, Path, description = "The invitation.")),
    responses((status = 204, description = "It cannot be accepted any more."), Problems),
    security(("bearer" = ["account:write"]))
)]
#[delete("/accounts/invitations/{id}")]
pub async fn withdraw(call: Call<scope::AccountWrite>, id: web::Path<AccountId>) -> Result<Reply, Problem> {
    let id = id.into_inner();
    call.write(move |work| {
        if !invitations::end(work.db, id, InvitationStatus::Withdrawn)? {
            return Err(Code::NotFound.into());
        }
        work.audit(Act::new(Action::Delete, "invitation").on(id))?;
        Ok(Reply::no_content())
    })
    .await
}
