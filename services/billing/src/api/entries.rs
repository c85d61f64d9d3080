//! `/api/v1/accounting/entries`.

pub mod create;
pub mod get;
pub mod list;
pub mod reverse;
