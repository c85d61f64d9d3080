//! The reports: what the balances of the accounts say.

use hms_model::id::DepartmentId;
use hms_model::money::Currency;
use serde::Serialize;
use utoipa::ToSchema;

use super::AccountKind;

/// What was booked on an account: debits, and credits without their sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Balance {
    /// Its number.
    pub account: String,
    /// Its name.
    pub name: String,
    /// What it counts.
    pub kind: AccountKind,
    /// All debits, in minor units.
    pub debit: i64,
    /// All credits, in minor units.
    pub credit: i64,
    /// Debits less credits.
    pub balance: i64,
}

/// All accounts on which something was booked. Debits and credits are the same, always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrialBalance {
    /// The currency of all amounts.
    pub currency: Currency,
    /// The accounts.
    pub accounts: Vec<Balance>,
    /// All debits.
    pub debit: i64,
    /// All credits.
    pub credit: i64,
}

/// What came in and what went out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IncomeStatement {
    /// The currency of all amounts.
    pub currency: Currency,
    /// The accounts of income and expense.
    pub accounts: Vec<Balance>,
    /// All that came in.
    pub income: i64,
    /// All that went out.
    pub expense: i64,
    /// What is left of it.
    pub result: i64,
}

/// What is there, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BalanceSheet {
    /// The currency of all amounts.
    pub currency: Currency,
    /// The accounts of assets, liabilities and equity.
    pub accounts: Vec<Balance>,
    /// All that is there.
    pub assets: i64,
    /// All that is owed.
    pub liabilities: i64,
    /// What the owners put in.
    pub equity: i64,
    /// Income less expense up to the day: with liabilities and equity it makes up the assets.
    pub result: i64,
}

/// What is open, by how long it has been due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Age {
    /// Who owes it: `patient` or `payer`.
    pub side: String,
    /// Not due yet.
    pub not_due: i64,
    /// For 1 to 30 days.
    pub days_1_30: i64,
    /// For 31 to 60 days.
    pub days_31_60: i64,
    /// For 61 to 90 days.
    pub days_61_90: i64,
    /// For longer.
    pub days_over_90: i64,
    /// All of it.
    pub total: i64,
}

/// What a department brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DepartmentRevenue {
    /// The department; none for what belongs to none.
    pub department_id: Option<DepartmentId>,
    /// Its name.
    pub name: Option<String>,
    /// Without tax, in minor units.
    pub revenue: i64,
}

impl TrialBalance {
    /// Over these accounts.
    pub fn of(currency: Currency, accounts: Vec<Balance>) -> Self {
        let (debit, credit) = accounts.iter().fold((0_i64, 0_i64), |(debit, credit), account| {
            (debit.saturating_add(account.debit), credit.saturating_add(account.credit))
        });
        Self { currency, accounts, debit, credit }
    }
}

/// The sum of the balances of one kind, as people read it: what is owed and what came in stand on the right.
fn sum(accounts: &[Balance], kind: AccountKind) -> i64 {
    let of_kind = accounts.iter().filter(|account| account.kind == kind);
    let sum = of_kind.fold(0_i64, |sum, account| sum.saturating_add(account.balance));
    if matches!(kind, AccountKind::Asset | AccountKind::Expense) { sum } else { sum.saturating_neg() }
}

impl IncomeStatement {
    /// Over these accounts.
    pub fn of(currency: Currency, accounts: Vec<Balance>) -> Self {
        let (income, expense) = (sum(&accounts, AccountKind::Income), sum(&accounts, AccountKind::Expense));
        let shown = |account: &Balance| matches!(account.kind, AccountKind::Income | AccountKind::Expense);
        let accounts = accounts.into_iter().filter(shown).collect();
        Self { currency, accounts, income, expense, result: income.saturating_sub(expense) }
    }
}

impl BalanceSheet {
    /// Over these accounts.
    pub fn of(currency: Currency, accounts: Vec<Balance>) -> Self {
        let of = |kind| sum(&accounts, kind);
        let (assets, liabilities) = (of(AccountKind::Asset), of(AccountKind::Liability));
        let (equity, result) =
            (of(AccountKind::Equity), of(AccountKind::Income).saturating_sub(of(AccountKind::Expense)));
        let shown = |account: &Balance| !matches!(account.kind, AccountKind::Income | AccountKind::Expense);
        let accounts = accounts.into_iter().filter(shown).collect();
        Self { currency, accounts, assets, liabilities, equity, result }
    }
}

impl Age {
    /// Takes in an open amount that has been due for so many days.
    pub fn add(&mut self, days: i64, open: i64) {
        let bucket = match days {
            ..=0 => &mut self.not_due,
            1..=30 => &mut self.days_1_30,
            31..=60 => &mut self.days_31_60,
            61..=90 => &mut self.days_61_90,
            _ => &mut self.days_over_90,
        };
        *bucket = bucket.saturating_add(open);
        self.total = self.total.saturating_add(open);
    }
}
