//! `/api/v1/billing/coverages`.

pub mod create;
pub mod get;
pub mod list;
