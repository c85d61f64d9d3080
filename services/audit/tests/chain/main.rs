//! The chain by itself: what was done to it is found and named, and a chain that nobody touched is right.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod any;
mod cases;
mod made;
mod rotation;
