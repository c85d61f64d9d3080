//! Why something cannot be done.

use hms_model::money::{Currency, Money, MoneyError};

use super::{ClaimStatus, PaymentStatus, Status};

/// A refusal by the rules, in words for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An invoice in this status does not allow it.
    #[error("An invoice that is {0} does not allow this.")]
    Illegal(Status),
    /// A payment in this status does not allow it.
    #[error("A payment that is {0} does not allow this.")]
    IllegalPayment(PaymentStatus),
    /// A claim in this status does not allow it.
    #[error("A claim that is {0} does not allow this.")]
    IllegalClaim(ClaimStatus),
    /// A credit note is what it is.
    #[error("A credit note does not allow this.")]
    CreditNote,
    /// Something of it is settled or credited already.
    #[error("Something of this invoice is settled or credited: credit the rest, or write it off.")]
    Settled,
    /// An invoice must say what for.
    #[error("lines: an invoice needs at least one")]
    NoLines,
    /// More lines than one invoice can have.
    #[error("lines: at most 500")]
    TooManyLines,
    /// A field of a line is wrong.
    #[error("lines: {0}")]
    Line(&'static str),
    /// A field is wrong.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
    /// There is no such one, as far as is known here.
    #[error("{0}: there is no such one")]
    Unknown(&'static str),
    /// The catalogue has no price of it for that day and currency.
    #[error("lines: {code} has no price in {currency} on that day")]
    NoPrice {
        /// The service.
        code: String,
        /// The currency.
        currency: Currency,
    },
    /// It is in another currency.
    #[error("currency: the invoice is in {0}")]
    Currency(Currency),
    /// More than can be taken.
    #[error("amount: at most {}", .0.decimal())]
    TooMuch(Money),
    /// An amount must be one.
    #[error("amount: must be more than 0")]
    NoAmount,
    /// There is no credit to use.
    #[error("The patient has no credit in this currency.")]
    NoCredit,
    /// A calculation has no result.
    #[error("amount: {0}")]
    Money(#[from] MoneyError),
    /// An entry whose debits are not its credits.
    #[error("postings: debit and credit differ by {0}")]
    Unbalanced(i64),
    /// An entry that says nothing.
    #[error("postings: an entry needs at least two, none of them 0")]
    NoPostings,
    /// An entry is reversed once, and a reversal not at all.
    #[error("The entry is a reversal, or has been reversed already.")]
    Reversed,
    /// A month that cannot be closed.
    #[error("month: only a month that is over, and after those that are closed, can be closed")]
    NotClosable,
}
