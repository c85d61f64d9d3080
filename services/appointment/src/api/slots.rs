//! `/api/v1/slots`: free slots, computed and never stored, and slots that are held.

pub mod hold;
pub mod list;
mod query;
pub mod release;
mod search;
