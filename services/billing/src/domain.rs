//! The rules of billing. Pure: what was loaded and the time come in, a new state, the entry that goes with it, or a
//! typed refusal comes out.

pub mod booking;
mod catalogue;
mod claim;
mod coverage;
pub mod dunning;
mod invoice;
mod ledger;
mod line;
pub mod paper;
mod payment;
mod refusal;
pub mod report;
pub mod statement;
mod status;
#[cfg(test)]
mod tests;

pub use catalogue::{Item, Price, price_at};
pub use claim::{Claim, ClaimStatus};
pub use coverage::{Coverage, Payer, Terms};
pub use invoice::{Credited, Draft, Invoice, Issue, Kind, Side, Unnumbered};
pub use ledger::{Account, AccountKind, Entry, EntryKind, Posting, account};
pub use line::{Line, NewLine, Totals};
pub use payment::{Method, NewPayment, Payment, PaymentStatus, Provided, Refund, RefundStatus};
pub use refusal::Refusal;
pub use status::Status;

use hms_model::Text;

/// What a line, a service or an entry is, in words.
pub type Description = Text<1, 300>;
/// Why something is done, or what else there is to say.
pub type Note = Text<1, 500>;
/// The short name of a service: `CONSULT-20`.
pub type ServiceCode = Text<1, 40>;
/// What another system calls something.
pub type Reference = Text<1, 200>;
