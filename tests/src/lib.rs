//! The harness of the platform's stories: each starts the `hms` binary as a process of its own, with a folder, ports,
//! databases and queues of its own, drives it through the gateway as any client would, and leaves nothing behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panic"
)]

pub mod api;
mod audit;
mod kinds;
mod outside;
mod people;
mod platform;
mod ports;
mod process;
mod processes;
mod prometheus;
pub mod records;

pub use audit::Trail;
pub use hms_testkit::{Answer, Client, Collector, Folder, PLANTED, ReceivedSpan, until};
pub use kinds::{Kind, wanted};
pub use people::{ADMIN_EMAIL, ADMIN_PASSWORD, Person, password};
pub use platform::{Platform, Replica};
pub use ports::Ports;
pub use process::{Outcome, Process, binary, programs, repository, run};
pub use processes::Processes;
pub use prometheus::Prometheus;

/// How long to wait for what must come: events travel, and the machine may be busy.
pub const PATIENCE: u64 = 60;
