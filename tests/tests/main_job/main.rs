//! The front desk's day through the gateway, from the first sign-in to the audit of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod booking;
mod directory;
mod pages;
mod sign_in;
mod traces;

use hms_tests::{Platform, on_both_kinds};

on_both_kinds! {
    async fn the_front_desk(kind) {
        let platform = Platform::start(kind).await;
        sign_in::tokens_are_given_renewed_and_ended(&platform).await;
        let admin = platform.admin().await;
        directory::a_patient_registers_themselves(&platform, &admin).await;
        directory::staff_keep_patients(&admin).await;
        directory::staff_keep_practitioners(&admin).await;
        directory::staff_keep_departments(&admin).await;
        let day = booking::a_day_at_the_desk(&platform, &admin).await;
        traces::the_mail_is_sent_and_shown(&platform, &admin, &day).await;
        traces::the_audit_shows_who_did_what(&platform, &admin, &day).await;
    }

    async fn the_pages(kind) {
        let platform = Platform::start(kind).await;
        pages::each_service_shows_itself(&platform).await;
        pages::the_gateway_shows_all_of_them(&platform).await;
        pages::a_path_may_be_written_in_several_ways(&platform).await;
    }
}
