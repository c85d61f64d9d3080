//! `hms import` against an API that plays HMS in the test's own process.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod api;
mod command;
mod synthea;
