//! A bank statement, and which payments stand on it.

use chrono::NaiveDate;
use hms_model::id::PaymentId;
use hms_model::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Payment, Refusal};

/// A line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementLine {
    /// The line of the file; the header is line 1.
    pub line: u64,
    /// The day of the booking.
    pub date: NaiveDate,
    /// How much came in.
    pub amount: Money,
    /// What stands beside it.
    pub reference: String,
}

/// What was found of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Match {
    /// The line of the file; the header is line 1.
    pub line: u64,
    /// The payment that it is.
    pub payment_id: Option<PaymentId>,
}

#[derive(Deserialize)]
struct Raw {
    date: NaiveDate,
    amount: String,
    currency: Currency,
    reference: String,
}

/// Reads a CSV file with the columns `date`, `amount`, `currency` and `reference`, in any order, others beside them.
pub fn read(text: &str) -> Result<Vec<StatementLine>, Refusal> {
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let unreadable = Refusal::Field("csv", "must have the columns date, amount, currency and reference");
    (2_u64..)
        .zip(reader.deserialize::<Raw>())
        .map(|(line, raw)| {
            let raw = raw.map_err(|_| unreadable.clone())?;
            let amount = Money::parse_decimal(raw.amount.trim(), raw.currency)?;
            Ok(StatementLine { line, date: raw.date, amount, reference: raw.reference })
        })
        .collect()
}

/// Finds the payment of each line: one of the same amount and currency, whose reference or id stands in the line's.
/// Where several fit, the oldest; each payment stands for one line.
pub fn match_up(lines: &[StatementLine], payments: &[Payment]) -> Vec<Match> {
    let mut taken = std::collections::HashSet::new();
    let mut find = |line: &StatementLine| {
        let text = line.reference.to_lowercase();
        let names = |payment: &&Payment| {
            let by_reference = payment.reference.as_ref().map(|reference| reference.as_str().to_lowercase());
            by_reference.is_some_and(|reference| text.contains(&reference))
                || text.contains(&payment.id.to_string())
        };
        let mut fitting = payments.iter().filter(|payment| payment.amount == line.amount).filter(names);
        let found = fitting.find(|payment| !taken.contains(&payment.id)).map(|payment| payment.id);
        taken.extend(found);
        Match { line: line.line, payment_id: found }
    };
    lines.iter().map(&mut find).collect()
}
