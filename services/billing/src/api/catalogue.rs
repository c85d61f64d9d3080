//! `/api/v1/billing/catalogue`.

pub mod create;
pub mod get;
pub mod list;
pub mod price;
pub mod update;
