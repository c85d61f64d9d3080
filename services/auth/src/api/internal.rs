//! What the services of the platform ask of this one. These routes are no part of the API: the gateway leads nobody here,
//! and a token of a person or a program is refused.

pub mod exchange;
pub mod revocations;

use hms_access::Claims;
use hms_problem::{Code, Problem};

/// Refuses every service but these: what one of them may ask is nothing for another whose token has leaked.
fn only(claims: &Claims, names: &[&str]) -> Result<(), Problem> {
    match claims.client_id.as_deref() {
        Some(name) if names.contains(&name) => Ok(()),
        _ => Err(Problem::new(Code::Forbidden).message("This is not for your service.")),
    }
}
