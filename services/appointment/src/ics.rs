//! Appointments as a calendar (RFC 5545).

use chrono::{DateTime, Utc};
use icalendar::{Calendar, Component, Event, EventStatus};

use crate::domain::{Appointment, Status};

/// The calendar of a practitioner of this name. Times are in UTC; the id of an entry is the one that the invitation to
/// the patient bears.
pub fn calendar(name: &str, appointments: &[Appointment]) -> String {
    let mut calendar = Calendar::new();
    calendar.name(name);
    for appointment in appointments {
        calendar.push(entry(appointment));
    }
    calendar.done().to_string()
}

fn entry(appointment: &Appointment) -> Event {
    let status = match appointment.status {
        Status::Cancelled => EventStatus::Cancelled,
        Status::Proposed | Status::Pending | Status::Waitlist => EventStatus::Tentative,
        Status::Booked | Status::Arrived | Status::Fulfilled | Status::Noshow => EventStatus::Confirmed,
    };
    let mut event = Event::new();
    event
        .uid(&format!("{}@hms", appointment.id))
        .timestamp(appointment.updated_at)
        .add_property("DTSTART", moment(appointment.start))
        .add_property("DTEND", moment(appointment.end))
        .add_property("SEQUENCE", (appointment.version - 1).to_string())
        .summary("Appointment")
        .status(status);
    if let Some(reason) = &appointment.reason {
        event.description(reason.as_str());
    }
    event.done()
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}
