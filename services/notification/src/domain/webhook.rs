//! Webhooks: who is told what, where to, and what becomes of it.

mod address;
mod attempt;
mod delivery;
mod hook;
mod secret;

pub use address::{AddressRules, Private, Refused};
pub use attempt::{Attempt, Outcome, Verdict, retry_after};
pub use delivery::{Delivery, DeliveryStatus, LEASE, TEST_EVENT, body_of};
pub use hook::{DisabledReason, Hearing, Hook, MOST_WEBHOOKS};
pub use secret::{InvalidSecret, Signing, SigningKey};
