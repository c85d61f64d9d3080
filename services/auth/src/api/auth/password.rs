//! Another password: by whoever knows the present one, or by mail.

pub mod change;
pub mod forgotten;
pub mod reset;

use hms_model::Secret;
use hms_problem::{Code, Problem};

use crate::domain::account::Account;
use crate::domain::password;

/// Whether a password is good enough for an account.
fn check(password: &Secret, account: &Account, second_factor: bool, field: &str) -> Result<(), Problem> {
    password::check_beside(password.expose(), &account.names(), second_factor)
        .map_err(|weakness| Problem::field(Code::WeakPassword, field, weakness))
}

/// For whoever has signed in with a password that was good enough beside a second factor, and has none any more.
pub fn too_short_alone() -> Problem {
    let told = "The password is too short without a second factor: have a mail sent and set another one.";
    Problem::new(Code::WeakPassword).message(told).detail("field", "password")
}
