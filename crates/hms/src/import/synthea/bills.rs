//! What encounters cost: an invoice for each, with a line for everything that was done and given, split between payer
//! and patient as the files say. Pure, but for the reading of the files.
//!
//! `TOTAL_CLAIM_COST` is what an encounter cost without its medication; where it is more than its parts, the rest is a
//! line of its own, and where it is less, the difference is a discount on the parts, so that the cost of each of them
//! still stands there. Medication comes on top with its own `TOTALCOST`.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use hms_model::money::{Currency, Money};
use serde::Serialize;

use super::mapping::{Known, Mapped, References, SYNTHEA, time};
use crate::import::table::{Layout, Line, Row, Table, TableError};
use crate::import::unusable::Unusable;

/// Synthea counts in the money of the United States; no column says so.
const CURRENCY: Currency = Currency::USD;

/// payers.csv.
pub const PAYERS: Layout = Layout { file: "payers.csv", columns: &["Id", "NAME"] };

/// procedures.csv: what was done.
pub const PROCEDURES: Layout =
    Layout { file: "procedures.csv", columns: &["ENCOUNTER", "CODE", "DESCRIPTION", "BASE_COST"] };

/// immunizations.csv: what was given against diseases to come.
pub const IMMUNIZATIONS: Layout =
    Layout { file: "immunizations.csv", columns: &["ENCOUNTER", "CODE", "DESCRIPTION", "BASE_COST"] };

/// medications.csv: what was prescribed.
pub const MEDICATIONS: Layout = Layout {
    file: "medications.csv",
    columns: &["ENCOUNTER", "CODE", "DESCRIPTION", "PAYER_COVERAGE", "TOTALCOST"],
};

/// The columns of encounters.csv that say what it cost.
pub const COSTS: Layout = Layout {
    file: "encounters.csv",
    columns: &[
        "Id",
        "START",
        "STOP",
        "PATIENT",
        "ORGANIZATION",
        "PROVIDER",
        "PAYER",
        "CODE",
        "DESCRIPTION",
        "BASE_ENCOUNTER_COST",
        "TOTAL_CLAIM_COST",
        "PAYER_COVERAGE",
    ],
};

/// `POST /billing/payers`
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Payer {
    name: String,
    reference: String,
}

/// A line of `POST /billing/invoices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    description: String,
    unit_price: i64,
    discount_amount: i64,
    tax_rate: i64,
}

/// `POST /billing/invoices`
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Invoice {
    patient_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    practitioner_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    department_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_id: Option<String>,
    currency: Currency,
    lines: Vec<Item>,
    reference: String,
    issue: Issue,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Issue {
    issued_on: NaiveDate,
    payer_due: i64,
}

/// What the other files say of an encounter.
#[derive(Debug, Default)]
struct Parts {
    done: Vec<Item>,
    given: Vec<Item>,
    covered: i64,
}

/// What the other files say of all encounters.
#[derive(Debug, Default)]
pub struct Costs {
    by_encounter: HashMap<String, Parts>,
    /// Rows that cannot be used: their encounter is billed without them. File, line and reason.
    pub unusable: Vec<(&'static str, u64, Unusable)>,
}

/// A row of payers.csv.
pub fn payer(row: &Row) -> Result<Mapped<Payer>, Unusable> {
    let body = Payer { name: row.need("NAME")?.into(), reference: reference(row.need("Id")?) };
    Ok(Mapped { body, left_out: Vec::new() })
}

fn reference(id: &str) -> String {
    format!("{SYNTHEA}|{id}")
}

impl Costs {
    /// Whether the folder has the files that say what things cost.
    pub fn are_in(dir: &Path) -> bool {
        [PAYERS, PROCEDURES, MEDICATIONS].iter().all(|layout| dir.join(layout.file).is_file())
    }

    /// Reads them.
    pub fn read(dir: &Path) -> Result<Self, TableError> {
        let mut costs = Self::default();
        for layout in [PROCEDURES, IMMUNIZATIONS] {
            if dir.join(layout.file).is_file() {
                let add = |parts: &mut Parts, row: &Row| {
                    parts.done.push(item(row, "BASE_COST")?);
                    Ok(())
                };
                costs.take(Table::open(dir, layout)?, add)?;
            }
        }
        costs.take(Table::open(dir, MEDICATIONS)?, |parts, row| {
            let (item, covered) = (item(row, "TOTALCOST")?, amount(row, "PAYER_COVERAGE")?);
            parts.covered = parts.covered.checked_add(covered).ok_or_else(|| too_large("PAYER_COVERAGE"))?;
            parts.given.push(item);
            Ok(())
        })?;
        Ok(costs)
    }

    fn take(
        &mut self,
        table: Table,
        add: impl Fn(&mut Parts, &Row) -> Result<(), Unusable>,
    ) -> Result<(), TableError> {
        let file = table.file();
        for line in table {
            let Line { number, row } = line?;
            let added = row.and_then(|row| {
                let encounter = row.need("ENCOUNTER")?.to_owned();
                add(self.by_encounter.entry(encounter).or_default(), &row)
            });
            if let Err(reason) = added {
                self.unusable.push((file, number, reason));
            }
        }
        Ok(())
    }

    /// The invoice of a row of encounters.csv.
    pub fn invoice(
        &self,
        row: &Row,
        known: &References<'_>,
        payers: &Known,
        now: DateTime<Utc>,
    ) -> Result<Mapped<Invoice>, Unusable> {
        let (start, stop) = (time("START", row.need("START")?)?, row.need("STOP")?);
        if time("STOP", stop)? > now {
            return Err(Unusable::NotYet { column: "STOP", value: stop.into() });
        }
        let none = Parts::default();
        let parts = self.by_encounter.get(row.need("Id")?).unwrap_or(&none);
        let base = item(row, "BASE_ENCOUNTER_COST")?;
        let mut lines: Vec<_> = std::iter::once(base).chain(parts.done.iter().cloned()).collect();
        level(&mut lines, amount(row, "TOTAL_CLAIM_COST")?)?;
        lines.extend(parts.given.iter().cloned());
        let covered = amount(row, "PAYER_COVERAGE")?.checked_add(parts.covered);
        let payer_due = covered.ok_or_else(|| too_large("PAYER_COVERAGE"))?;
        let payer_id = row.get("PAYER").filter(|_| payer_due > 0);
        let organization = row.get("ORGANIZATION").map(|id| known.departments.find("ORGANIZATION", id));
        let provider = row.get("PROVIDER").map(|id| known.practitioners.find("PROVIDER", id));
        let body = Invoice {
            patient_id: known.patients.find("PATIENT", row.need("PATIENT")?)?,
            practitioner_id: provider.transpose()?,
            department_id: organization.transpose()?,
            payer_id: payer_id.map(|id| payers.find("PAYER", id)).transpose()?,
            currency: CURRENCY,
            lines,
            reference: reference(row.need("Id")?),
            issue: Issue { issued_on: start.date_naive(), payer_due },
        };
        Ok(Mapped { body, left_out: Vec::new() })
    }
}

/// Makes lines sum to a total: by one line more, or by discounts in proportion to the prices.
fn level(lines: &mut Vec<Item>, total: i64) -> Result<(), Unusable> {
    let too_large = || too_large("TOTAL_CLAIM_COST");
    let prices = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.unit_price));
    let rest = prices.and_then(|prices| total.checked_sub(prices)).ok_or_else(too_large)?;
    if rest > 0 {
        let description = "Other services".to_owned();
        lines.push(Item { code: None, description, unit_price: rest, discount_amount: 0, tax_rate: 0 });
    } else if rest < 0 {
        let weights: Vec<_> = lines.iter().map(|line| line.unit_price.unsigned_abs()).collect();
        let discounts =
            Money::new(rest.saturating_neg(), CURRENCY).allocate(&weights).map_err(|_| too_large())?;
        for (line, discount) in lines.iter_mut().zip(discounts) {
            line.discount_amount = discount.amount;
        }
    }
    Ok(())
}

fn item(row: &Row, cost: &'static str) -> Result<Item, Unusable> {
    Ok(Item {
        code: row.get("CODE").map(String::from),
        description: row.need("DESCRIPTION")?.into(),
        unit_price: amount(row, cost)?,
        discount_amount: 0,
        tax_rate: 0,
    })
}

/// An amount, which is never negative.
fn amount(row: &Row, column: &'static str) -> Result<i64, Unusable> {
    let text = row.need(column)?;
    let amount = Money::parse_decimal(text, CURRENCY).ok().map(|money| money.amount);
    let wrong = || Unusable::Unreadable { column, expected: "an amount such as 129.16", value: text.into() };
    amount.filter(|amount| *amount >= 0).ok_or_else(wrong)
}

fn too_large(column: &'static str) -> Unusable {
    Unusable::Unreadable { column, expected: "an amount that can be counted", value: "too large".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(unit_price: i64) -> Item {
        Item { code: None, description: "x".into(), unit_price, discount_amount: 0, tax_rate: 0 }
    }

    #[test]
    fn lines_sum_to_the_total_and_keep_their_prices() {
        type Case = (&'static [i64], i64, &'static [(i64, i64)]);
        let cases: [Case; 5] = [
            (&[100, 50], 150, &[(100, 0), (50, 0)]),
            (&[100], 130, &[(100, 0), (30, 0)]),
            (&[100, 50], 100, &[(100, 33), (50, 17)]),
            (&[100, 0], 0, &[(100, 100), (0, 0)]),
            (&[], 5, &[(5, 0)]),
        ];
        for (prices, total, expected) in cases {
            let mut lines: Vec<_> = prices.iter().map(|price| line(*price)).collect();
            level(&mut lines, total).unwrap();
            let found: Vec<_> = lines.iter().map(|line| (line.unit_price, line.discount_amount)).collect();
            assert_eq!(found, expected);
            assert_eq!(found.iter().map(|(price, discount)| price - discount).sum::<i64>(), total);
        }
    }
}
