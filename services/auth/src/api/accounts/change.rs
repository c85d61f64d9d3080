//! `PATCH /accounts/{id}`.

use actix_web::{patch, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::AccountId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::ending::{self, Keys};
use crate::domain::account::{Account, AccountStatus};
use crate::store::{accounts, challenges};

/// What changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChanges {
    /// Whether it may sign in.
    status: AccountStatus,
}

/// Disables an account, which ends all its sessions, or lets it sign in again.
#[utoipa::path(
    tag = "accounts",
    params(("id" = Uuid, Path, description = "The account.")),
    request_body = AccountChanges,
    responses((status = 200, body = Account), Problems),
    security(("bearer" = ["account:write"]))
)]
#[patch("/accounts/{id}")]
pub async fn change(
    call: Call<scope::AccountWrite>,
    id: web::Path<AccountId>,
    body: Json<AccountChanges>,
) -> Result<Reply, Problem> {
    let (id, caller, status) = (id.into_inner(), call.claims()?.sub, body.into_inner().status);
    call.write(move |work| {
        let account = accounts::find_locked(work.db, id)?;
        work.check_version(account.version)?;
        let Some(changed) = account.with_status(status, caller, work.now)? else {
            return super::shown(&account);
        };
        if !accounts::update_status(work.db, &changed, account.version)? {
            return Err(Code::PreconditionFailed.into());
        }
        if !changed.is_active() {
            challenges::forget(work.db, id)?;
            ending::end_everything(work, id, Keys::Revoked, "account disabled")?;
        }
        work.audit(Act::new(Action::Update, "account").on(id).detail("status"))?;
        super::shown(&changed)
    })
    .await
}
