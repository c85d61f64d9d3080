//! The chain in the database, as the service keeps it: it grows, is signed, pruned, guarded, exported, and what is
//! done to it behind the service's back is found.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a test may fail by panic"
)]

mod common;
mod disclosed;
mod export;
mod growing;
mod guard;
mod pruning;
mod rotation;
mod signing;
mod tampering;
