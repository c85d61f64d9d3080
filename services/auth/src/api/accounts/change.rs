//! `PATCH /accounts/{id}`.

use actix_web::{patch, web};
use hms_api::{Json, Problems};
use hms_model::LanguageTag;
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
    status: Option<AccountStatus>,
    /// The language in which to write to its holder.
    language: Option<LanguageTag>,
}

/// Disables an account, which ends all its sessions, or lets it sign in again; or says in which language to write to its
/// holder. What is left out stays.
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
    let (id, caller, AccountChanges { status, language }) =
        (id.into_inner(), call.claims()?.sub, body.into_inner());
    if status.is_none() && language.is_none() {
        return Err(Problem::field(Code::InvalidRequest, "status", "say what changes: status or language"));
    }
    call.write(move |work| {
        let account = accounts::find_locked(work.db, id)?;
        work.check_version(account.version)?;
        let Some(changed) = account.changed(status, language, caller, work.now)? else {
            return super::shown(&account);
        };
        if !accounts::update(work.db, &changed, account.version)? {
            return Err(Code::PreconditionFailed.into());
        }
        if account.is_active() && !changed.is_active() {
            challenges::forget(work.db, id)?;
            ending::end_everything(work, id, Keys::Revoked, "account disabled")?;
        }
        let detail = match (changed.status != account.status, changed.language != account.language) {
            (true, true) => "status, language",
            (true, false) => "status",
            (false, _) => "language",
        };
        work.audit(Act::new(Action::Update, "account").on(id).detail(detail))?;
        super::shown(&changed)
    })
    .await
}
