//! `/api/v1/holidays`.

pub mod create;
pub mod delete;
pub mod list;
