//! The rules of the service: pure functions of loaded values and the present time.

pub mod account;
pub mod api_key;
pub mod invitation;
pub mod lockout;
pub mod oauth;
pub mod one_time;
pub mod password;
pub mod place;
pub mod recovery;
pub mod refresh;
pub mod signing_key;
pub mod totp;
