//! `POST /accounting/accounts`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::Text;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::of_the_whole;
use crate::domain::{Account, AccountKind, Description, Refusal};
use crate::store;

/// An account for entries that are written by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its number: 4 to 8 digits.
    code: Text<4, 8>,
    /// Its name.
    name: Description,
    /// What it counts.
    kind: AccountKind,
}

/// Adds an account to the chart.
#[utoipa::path(tag = "ledger", request_body = NewAccount, operation_id = "create_ledger_account",
    responses((status = 201, body = Account), Problems), security(("bearer" = ["ledger:write"])))]
#[post("/accounting/accounts")]
pub async fn create(call: Call<scope::LedgerWrite>, body: Json<NewAccount>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let new = body.into_inner();
    if !new.code.as_str().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::Field("code", "must have digits only").into());
    }
    call.write(move |work| {
        let account = Account { code: new.code.into(), name: new.name.into(), kind: new.kind, system: false };
        if !store::ledger::add_account(work.db, &account)? {
            return Err(Code::Duplicate.into());
        }
        work.audit(Act::new(Action::Create, "ledger_account").detail(account.code.clone()))?;
        Reply::created(&account)
    })
    .await
}
