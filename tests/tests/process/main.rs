//! The platform as a process: its first start, its signals, its death, and what is there afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a test may fail by panic"
)]

mod crash;
mod import;
mod starting;

use hms_tests::{Platform, on_both_kinds};

on_both_kinds! {
    async fn the_first_admin_has_a_random_password_in_a_file(kind) {
        starting::the_password_is_in_a_file(Platform::prepare(kind).with("HMS_ADMIN_PASSWORD", "")).await;
    }

    async fn a_taken_port_is_named(kind) {
        starting::a_taken_port_is_named(Platform::prepare(kind)).await;
    }

    async fn it_stops_cleanly_and_starts_again_with_everything(kind) {
        starting::everything_is_there_again(Platform::start(kind).await).await;
    }

    async fn what_was_acknowledged_survives_a_crash(kind) {
        crash::what_was_acknowledged_survives(Platform::start(kind).await).await;
    }

    async fn a_small_export_is_imported_once(kind) {
        import::a_small_export(Platform::start(kind).await).await;
    }

    async fn a_real_export_is_imported_once(kind) {
        import::a_real_export(Platform::start(kind).await).await;
    }
}
