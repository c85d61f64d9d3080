//! The API of billing, as stories on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a test may fail by panic, and tells what it did"
)]

mod catalogue;
mod common;
mod guards;
mod insurance;
mod invoices;
mod ledger;
mod paper;
mod payments;
mod provider;
mod random;
