//! For tests only: a database of one's own for each test, one service under test, clients with tokens of any role.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panic"
)]

mod backends;
pub mod broker;
mod client;
mod collector;
pub mod database;
mod folder;
mod planted;
mod service;
mod wait;

pub use client::{Answer, Client};
pub use collector::{Collector, ReceivedSpan};
pub use folder::Folder;
pub use hms_db::Backend;
pub use planted::{PLANTED, expect_nothing_planted};
pub use service::TestService;
pub use wait::until;
