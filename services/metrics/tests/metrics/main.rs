//! The API of the metrics service, on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod access;
mod common;
mod days;
mod random;
mod reference;
mod replicas;
mod tables;
