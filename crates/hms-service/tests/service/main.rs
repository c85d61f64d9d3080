//! What every service is given: its events, its dead letters, its idempotency keys.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod common;
mod dead_letters;
mod events;
mod repetitions;
