//! `/api/v1/billing/payers`.

pub mod create;
pub mod get;
pub mod list;
