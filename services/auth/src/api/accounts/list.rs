//! `GET /accounts`.

use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::Email;
use hms_model::role::{Role, scope};
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::account::{Account, AccountStatus};
use crate::store::accounts;

list_filters! {
    /// What `GET /accounts` can be filtered by.
    pub struct AccountFilters {
        status: AccountStatus = Set,
        role: Role = Set,
        email: Email = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: Some("e-mail addresses and user names"),
    ordering: ["created_at", "email"],
}

/// Lists the accounts.
#[utoipa::path(
    tag = "accounts",
    params(List<AccountFilters>),
    responses((status = 200, body = Page<Account>), Problems),
    security(("bearer" = ["account:write"]))
)]
#[get("/accounts")]
pub async fn list(call: Call<scope::AccountWrite>, list: List<AccountFilters>) -> Result<Reply, Problem> {
    let page = call.read(move |db| {
        let (accounts, count) = accounts::list(db, &list)?;
        Ok(Page::new(&list, accounts, count, |account| account.id.uuid()))
    });
    Reply::ok(&page.await?)
}
