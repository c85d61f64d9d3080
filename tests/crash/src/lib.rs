//! Nothing acknowledged is ever lost: proven by killing. Clients write through the gateway and keep a list of what they
//! were told; meanwhile processes, the broker and the database are killed in turn. Afterwards a checker compares that
//! list with what is there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panic"
)]

pub mod check;
pub mod client;
pub mod config;
pub mod drain;
pub mod embedded;
pub mod facts;
mod faults;
pub mod history;
pub mod load;
pub mod production;
pub mod programs;
pub mod report;
pub mod servers;
mod slots;
