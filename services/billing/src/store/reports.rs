//! The sums behind the reports, made by the database.

use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use hms_db::{Code, Db, Key, Result};
use hms_model::money::Currency;

use super::directory::department_name;
use crate::domain::report::{Balance, DepartmentRevenue};
use crate::domain::{AccountKind, Status, account};
use crate::schema::{accounts, entries, invoices, postings};

/// From the first day to the last, both included; what is not given has no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub to: Option<NaiveDate>,
}

const DEBITS: &str =
    "CAST(COALESCE(SUM(CASE WHEN postings.amount > 0 THEN postings.amount ELSE 0 END), 0) AS BIGINT)";
const CREDITS: &str =
    "CAST(COALESCE(SUM(CASE WHEN postings.amount < 0 THEN -postings.amount ELSE 0 END), 0) AS BIGINT)";

/// What was booked on each account within a span of days.
pub fn balances(db: &mut Db, currency: Currency, span: Span) -> Result<Vec<Balance>> {
    let rows: Vec<(String, String, Code<AccountKind>, i64, i64)> = postings::table
        .inner_join(entries::table.on(entries::id.eq(postings::entry_id)))
        .inner_join(accounts::table.on(accounts::code.eq(postings::account)))
        .filter(entries::currency.eq(currency.code()))
        .filter(entries::booked_on.ge(span.from.unwrap_or(FIRST)))
        .filter(entries::booked_on.le(span.to.unwrap_or(LAST)))
        .group_by((accounts::code, accounts::name, accounts::kind))
        .order(accounts::code)
        .select((
            accounts::code,
            accounts::name,
            accounts::kind,
            sql::<BigInt>(DEBITS),
            sql::<BigInt>(CREDITS),
        ))
        .load(db)?;
    let balance = |(account, name, kind, debit, credit): (_, _, Code<AccountKind>, i64, i64)| Balance {
        account,
        name,
        kind: kind.0,
        debit,
        credit,
        balance: debit.saturating_sub(credit),
    };
    Ok(rows.into_iter().map(balance).collect())
}

/// The first day that both databases know.
const FIRST: NaiveDate = match NaiveDate::from_ymd_opt(1, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// The last day that both databases and ISO 8601 know without a sign.
const LAST: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// What each department brought in within a span of days.
pub fn revenue(db: &mut Db, currency: Currency, span: Span) -> Result<Vec<DepartmentRevenue>> {
    let rows: Vec<(Option<Key>, i64)> = postings::table
        .inner_join(entries::table.on(entries::id.eq(postings::entry_id)))
        .filter(postings::account.eq(account::REVENUE))
        .filter(entries::currency.eq(currency.code()))
        .filter(entries::booked_on.ge(span.from.unwrap_or(FIRST)))
        .filter(entries::booked_on.le(span.to.unwrap_or(LAST)))
        .group_by(postings::department_id)
        .order(postings::department_id)
        .select((postings::department_id, sql::<BigInt>("CAST(-SUM(postings.amount) AS BIGINT)")))
        .load(db)?;
    let mut revenue = Vec::with_capacity(rows.len());
    for (id, amount) in rows {
        let department_id = id.map(Into::into);
        let name = department_id.map(|id| department_name(db, id)).transpose()?.flatten();
        revenue.push(DepartmentRevenue { department_id, name, revenue: amount });
    }
    Ok(revenue)
}

/// What is open of patients and of insurances, by the day that it was due.
pub fn open(db: &mut Db, currency: Currency) -> Result<Vec<(NaiveDate, i64, i64)>> {
    let rows: Vec<(Option<NaiveDate>, i64, i64)> = invoices::table
        .filter(invoices::currency.eq(currency.code()))
        .filter(invoices::status.eq_any([Code(Status::Issued), Code(Status::PartlyPaid)]))
        .group_by(invoices::due_on)
        .select((
            invoices::due_on,
            sql::<BigInt>("CAST(SUM(patient_due - patient_settled) AS BIGINT)"),
            sql::<BigInt>("CAST(SUM(payer_due - payer_settled) AS BIGINT)"),
        ))
        .load(db)?;
    Ok(rows.into_iter().filter_map(|(due, patient, payer)| Some((due?, patient, payer))).collect())
}
