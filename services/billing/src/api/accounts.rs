//! `/api/v1/accounting/accounts`.

pub mod create;
pub mod list;
