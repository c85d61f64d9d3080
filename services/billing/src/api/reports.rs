//! `/api/v1/accounting/reports`: each as JSON, or with `format=csv` as CSV with amounts as people write them.

pub mod balance_sheet;
pub mod income_statement;
pub mod receivables;
pub mod revenue;
pub mod trial_balance;

use actix_web::HttpResponse;
use actix_web::web::Query;
use chrono::NaiveDate;
use hms_model::coded_enum;
use hms_model::money::{Currency, Money};
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::Call;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::of_the_whole;
use crate::domain::report::Balance;
use crate::store;
use crate::store::reports::Span;

coded_enum! {
    /// How a report is written.
    pub enum Format {
        /// As JSON, amounts in minor units.
        Json = "json",
        /// As CSV, amounts with their decimals.
        Csv = "csv",
    }
}

/// What a report is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The currency of the entries.
    currency: Currency,
    /// The first day; from the beginning unless it is said.
    from: Option<NaiveDate>,
    /// The last day; up to the present unless it is said.
    to: Option<NaiveDate>,
    /// `json` or `csv`.
    #[param(inline)]
    format: Option<Format>,
}

impl Asked {
    fn span(&self) -> Span {
        Span { from: self.from, to: self.to }
    }
}

/// The question of a caller who may see the whole of the books, or what is wrong with it.
fn asked(
    call: &Call<scope::LedgerRead>,
    query: Result<Query<Asked>, actix_web::Error>,
) -> Result<Asked, Problem> {
    of_the_whole(call)?;
    query
        .map(Query::into_inner)
        .map_err(|error| Problem::new(Code::InvalidRequest).message(error.to_string()))
}

/// What stands on each account after the entries of a span of days.
async fn balances(
    call: &Call<scope::LedgerRead>,
    currency: Currency,
    span: Span,
) -> Result<Vec<Balance>, Problem> {
    call.read(move |db| Ok(store::reports::balances(db, currency, span)?)).await
}

/// The report as it was asked for; a row of the CSV for each record, the header first.
fn reply<T: Serialize>(
    asked: &Asked,
    name: &str,
    report: &T,
    rows: impl FnOnce() -> Vec<Vec<String>>,
) -> Result<HttpResponse, Problem> {
    if asked.format != Some(Format::Csv) {
        return Ok(HttpResponse::Ok().json(report));
    }
    hms_api::csv(name, rows())
}

fn decimal(amount: i64, currency: Currency) -> String {
    Money::new(amount, currency).decimal()
}

/// Accounts as rows of CSV, with their header.
fn account_rows(accounts: &[Balance], currency: Currency) -> Vec<Vec<String>> {
    let header =
        ["account", "name", "kind", "debit", "credit", "balance", "currency"].map(String::from).to_vec();
    let row = |account: &Balance| {
        vec![
            account.account.clone(),
            account.name.clone(),
            account.kind.to_string(),
            decimal(account.debit, currency),
            decimal(account.credit, currency),
            decimal(account.balance, currency),
            currency.to_string(),
        ]
    };
    std::iter::once(header).chain(accounts.iter().map(row)).collect()
}
