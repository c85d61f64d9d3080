//! `DELETE /accounts/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::id::AccountId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::erasing;
use crate::domain::account::Refusal;
use crate::store::accounts;

/// Deletes an account with all personal data in it (GDPR, article 17); its id stays, for the audit.
#[utoipa::path(
    tag = "accounts",
    params(("id" = Uuid, Path, description = "The account.")),
    responses((status = 204, description = "It is deleted."), Problems),
    security(("bearer" = ["account:write"]))
)]
#[delete("/accounts/{id}")]
pub async fn delete(call: Call<scope::AccountWrite>, id: web::Path<AccountId>) -> Result<Reply, Problem> {
    let (id, caller) = (id.into_inner(), call.claims()?.sub);
    call.write(move |work| {
        let account = accounts::find_locked(work.db, id)?;
        work.check_version(account.version)?;
        if id == caller {
            return Err(Refusal::OwnAccount.into());
        }
        erasing::erase(work, &account)?;
        Ok(Reply::no_content())
    })
    .await
}
