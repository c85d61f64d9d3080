//! `/api/v1/billing/payments`.

pub mod create;
pub mod get;
pub mod list;
pub mod reconcile;
pub mod refund;
pub mod webhook;
