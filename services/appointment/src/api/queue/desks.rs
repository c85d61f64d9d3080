//! `/api/v1/queue/desks`.

pub mod create;
pub mod delete;
pub mod list;
pub mod next;
