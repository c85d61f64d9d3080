//! Invitations: how staff get their accounts.

pub mod create;
pub mod list;
pub mod withdraw;
