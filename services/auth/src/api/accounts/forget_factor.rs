//! `DELETE /accounts/{id}/second-factor`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::AccountId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use crate::api::auth::ending;
use crate::domain::account::Refusal;
use crate::store::sessions::Which;
use crate::store::{accounts, challenges, factors};

/// Takes the second factor of somebody away who has lost device and recovery codes, and ends their sessions. Make sure
/// by another way that it is they who ask. A password of fewer than 15 characters lets them in no more: they set another
/// one by mail.
#[utoipa::path(
    tag = "accounts",
    params(("id" = Uuid, Path, description = "The account.")),
    responses((status = 204, description = "There is none any more."), Problems),
    security(("bearer" = ["account:write"]))
)]
#[delete("/accounts/{id}/second-factor")]
pub async fn forget_factor(
    call: Call<scope::AccountWrite>,
    id: web::Path<AccountId>,
) -> Result<Reply, Problem> {
    let (id, caller) = (id.into_inner(), call.claims()?.sub);
    call.write(move |work| {
        let account = accounts::find_locked(work.db, id)?;
        if id == caller {
            return Err(Refusal::OwnAccount.into());
        }
        if !factors::remove(work.db, account.id)? {
            return Err(Code::NotFound.into());
        }
        challenges::forget(work.db, id)?;
        work.audit(Act::new(Action::Update, "account").on(id).detail("second factor taken away"))?;
        ending::end(work, id, Which::All, "second factor taken away")?;
        Ok(Reply::no_content())
    })
    .await
}
