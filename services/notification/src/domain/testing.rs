//! What the tests of the rules share.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::event::AppointmentFacts;
use hms_model::id::Id;

pub fn now() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

/// Tomorrow at nine, for half an hour.
pub fn appointment() -> AppointmentFacts {
    let start = now() + TimeDelta::hours(25);
    AppointmentFacts {
        appointment_id: Id::new(now()),
        version: 1,
        patient_id: Id::new(now()),
        practitioner_id: Id::new(now()),
        practitioner_name: "Dr. Mia Chen".into(),
        department_id: None,
        start,
        end: start + TimeDelta::minutes(30),
        status: "booked".into(),
        reason: None,
        recorded: false,
        appointment_type_id: None,
        zone: None,
        series_id: None,
        late_cancellation: false,
    }
}
