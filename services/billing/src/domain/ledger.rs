//! The ledger: accounts, entries, postings. An entry is made balanced or not at all.

use chrono::{DateTime, NaiveDate, Utc};
use hms_model::coded_enum;
use hms_model::id::{DepartmentId, LedgerEntryId};
use hms_model::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Description, Refusal};

/// The accounts that the service itself books on; the migration has them with their names.
pub mod account {
    /// Money in the till.
    pub const CASH: &str = "1000";
    /// Money at the bank.
    pub const BANK: &str = "1010";
    /// Card payments on their way to the bank.
    pub const CARDS: &str = "1020";
    /// What patients owe.
    pub const PATIENTS: &str = "1100";
    /// What insurances owe.
    pub const PAYERS: &str = "1110";
    /// What is owed to patients: over-payments and credits.
    pub const PATIENT_CREDIT: &str = "2100";
    /// What is owed to insurances.
    pub const PAYER_CREDIT: &str = "2110";
    /// Tax to be paid.
    pub const TAX: &str = "2200";
    /// What services brought in.
    pub const REVENUE: &str = "4000";
    /// What other services of the platform took, such as for storage.
    pub const OTHER_REVENUE: &str = "4100";
    /// Debts that were given up.
    pub const BAD_DEBT: &str = "6000";
}

coded_enum! {
    /// What an account counts.
    pub enum AccountKind {
        /// What is there.
        Asset = "asset",
        /// What is owed.
        Liability = "liability",
        /// What the owners put in.
        Equity = "equity",
        /// What came in.
        Income = "income",
        /// What went out.
        Expense = "expense",
    }
}

coded_enum! {
    /// What an entry is of.
    pub enum EntryKind {
        /// An invoice was issued.
        Invoice = "invoice",
        /// An invoice was credited.
        CreditNote = "credit_note",
        /// An invoice was called void.
        Void = "void",
        /// An invoice was written off.
        WriteOff = "write_off",
        /// Money came in.
        Payment = "payment",
        /// Money went back.
        Refund = "refund",
        /// Credit was used for an invoice.
        Credit = "credit",
        /// An insurance did not pay its part.
        Claim = "claim",
        /// Written by hand.
        Manual = "manual",
        /// Takes another entry back.
        Reversal = "reversal",
    }
}

/// An account of the chart.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Account {
    /// Its number: `1100`.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it counts.
    pub kind: AccountKind,
    /// Whether the service books on it by itself.
    pub system: bool,
}

/// One line of an entry: debit where the amount is positive, credit where it is negative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Posting {
    /// The account.
    pub account: String,
    /// Debit positive, credit negative, in minor units of the entry's currency; never 0.
    pub amount: i64,
    /// Whose revenue or cost it is.
    pub department_id: Option<DepartmentId>,
}

/// An entry, whose postings sum to nothing.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Entry {
    /// Its id.
    pub id: LedgerEntryId,
    /// The day that it counts for.
    pub booked_on: NaiveDate,
    /// What it is of.
    pub kind: EntryKind,
    /// What it says.
    pub memo: Description,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The id of the invoice, the payment or the claim.
    pub source_id: Option<Uuid>,
    /// The entry that it takes back.
    pub reverses: Option<LedgerEntryId>,
    /// Its lines.
    pub postings: Vec<Posting>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

impl Posting {
    /// On the left.
    pub fn debit(account: &str, money: Money) -> Self {
        Self { account: account.into(), amount: money.amount, department_id: None }
    }

    /// On the right.
    pub fn credit(account: &str, money: Money) -> Result<Self, Refusal> {
        Ok(Self::debit(account, money.negated()?))
    }

    /// The same, as that of a department.
    #[must_use]
    pub fn of(self, department_id: Option<DepartmentId>) -> Self {
        Self { department_id, ..self }
    }
}

/// Postings that can stand in one entry: balanced, none of them 0, at least two. What is 0 of those that the service
/// makes is left out before; none where nothing is left.
pub(super) fn checked(postings: Vec<Posting>) -> Result<Vec<Posting>, Refusal> {
    let sum = postings.iter().try_fold(0_i128, |sum, posting| sum.checked_add(posting.amount.into()));
    match sum {
        Some(0) => {}
        Some(sum) => return Err(Refusal::Unbalanced(i64::try_from(sum).unwrap_or(i64::MAX))),
        None => return Err(Refusal::Unbalanced(i64::MAX)),
    }
    if postings.len() < 2 || postings.iter().any(|posting| posting.amount == 0) {
        return Err(Refusal::NoPostings);
    }
    Ok(postings)
}

impl Entry {
    /// The entry that takes this one back.
    pub fn reversal(
        &self,
        id: LedgerEntryId,
        kind: EntryKind,
        memo: Description,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        if self.reverses.is_some() {
            return Err(Refusal::Reversed);
        }
        let postings = self
            .postings
            .iter()
            .map(|posting| {
                let amount = posting.amount.checked_neg().ok_or(hms_model::money::MoneyError::Overflow)?;
                Ok(Posting { amount, ..posting.clone() })
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        Ok(Self {
            id,
            booked_on: now.date_naive(),
            kind,
            memo,
            currency: self.currency,
            source_id: self.source_id,
            reverses: Some(self.id),
            postings: checked(postings)?,
            created_at: now,
        })
    }
}
