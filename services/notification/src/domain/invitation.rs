//! What calendars read of an appointment (RFC 5545), by the rules of invitations (RFC 5546).

use chrono::{DateTime, Utc};
use icalendar::{Calendar, Component as _, Event, EventLike as _, EventStatus, Property};

use super::{CalendarMethod, Kind, Visit};

/// Who invites whom.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    /// The name of the organisation.
    pub organisation: &'a str,
    /// Its address.
    pub organizer: &'a str,
    /// The address of the patient.
    pub attendee: &'a str,
}

/// What the message of this kind asks calendars to do; none where it asks for nothing.
pub fn method(kind: Kind) -> Option<CalendarMethod> {
    match kind {
        Kind::Confirmation | Kind::Rescheduled => Some(CalendarMethod::Request),
        Kind::Cancelled => Some(CalendarMethod::Cancel),
        Kind::Reminder | Kind::Offer | Kind::Invoice => None,
    }
}

/// The invitation, or its withdrawal. The id is the one of the practitioner's calendar, and the sequence rises with each
/// version of the appointment, so that a calendar takes in what is newer in whatever order mail arrives.
pub fn invitation(
    visit: &Visit,
    method: CalendarMethod,
    parties: Parties<'_>,
    stamp: DateTime<Utc>,
) -> Option<String> {
    let id = visit.appointment_id?;
    let status = match method {
        CalendarMethod::Request => EventStatus::Confirmed,
        CalendarMethod::Cancel => EventStatus::Cancelled,
    };
    // A parameter knows no way to write a quotation mark (RFC 5545, 3.1).
    let name = parties.organisation.replace('"', "'");
    let organizer = mailbox("ORGANIZER", parties.organizer).add_parameter("CN", &name).done();
    let attendee = mailbox("ATTENDEE", parties.attendee)
        .add_parameter("ROLE", "REQ-PARTICIPANT")
        .add_parameter("PARTSTAT", "NEEDS-ACTION")
        .add_parameter("RSVP", "FALSE")
        .done();
    let mut event = Event::new();
    event
        .uid(&format!("{id}@hms"))
        .timestamp(stamp)
        .add_property("DTSTART", moment(visit.start))
        .add_property("DTEND", moment(visit.end))
        .add_property("SEQUENCE", (visit.version - 1).to_string())
        .summary("Appointment")
        .status(status)
        .append_property(organizer)
        .append_multi_property(attendee);
    if let Some(place) = &visit.place {
        event.location(place);
    }
    let mut calendar = Calendar::new();
    calendar.append_property(("METHOD", method.name()));
    calendar.push(event.done());
    Some(calendar.done().to_string())
}

fn mailbox(name: &str, address: &str) -> Property {
    Property::new(name, format!("mailto:{address}"))
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}
