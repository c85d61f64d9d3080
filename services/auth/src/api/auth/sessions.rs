//! One's own sessions.

pub mod end;
pub mod end_all;
pub mod list;
