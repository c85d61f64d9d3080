//! The keys that tokens are signed with.

pub mod rotate;
