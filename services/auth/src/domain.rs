//! The rules of the service: pure functions of loaded values and the present time.

pub mod account;
pub mod password;
pub mod refresh;
