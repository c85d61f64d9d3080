//! The stories of the service, in one program: each by itself would take as long to link as all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod booking;
mod calendar;
mod care;
mod changing;
mod common;
mod directory;
mod holds;
mod lists;
mod model;
mod no_overlap;
mod queue;
mod races;
mod schedules;
mod series;
mod slots;
mod waitlist;
