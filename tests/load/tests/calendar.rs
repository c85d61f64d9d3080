#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panic")]
//! The calendar that the bench searches is one that the service can read.

use hms_load::calendar;
use hms_model::role::Role;
use hms_testkit::database::wanted;
use hms_testkit::{Backend, TestService};

#[tokio::test]
async fn a_search_goes_through_the_large_calendar() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let app = TestService::<hms_appointment::Service>::start(Backend::Postgres).await;
    calendar::fill(app.database_url().clone(), 3, 20).await.unwrap();
    // A week of the schedules; the bookings lie around today.
    let week = "from=2027-01-04T00:00:00Z&to=2027-01-09T00:00:00Z&page_size=100";
    let desk = app.client(&[Role::Receptionist]);
    let first = desk.get(&format!("/api/v1/slots?first=true&{week}")).await;
    assert_eq!(first.expect(200).results().len(), 3);
    app.stop().await;
}
