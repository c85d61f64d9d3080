//! Showing that an e-mail address is one's own.

pub mod confirm;
pub mod resend;
