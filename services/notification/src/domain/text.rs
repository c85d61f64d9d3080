//! The words of messages. A subject line is seen by others than the patient (on a locked screen, by mail servers
//! on the way): it tells the time and names nobody.

use chrono::{DateTime, Utc};

use super::message::{Appointment, Kind};

/// The subject line.
pub fn subject(kind: Kind, appointment: &Appointment) -> String {
    let what = match kind {
        Kind::Confirmation => "Appointment booked",
        Kind::Rescheduled => "Appointment moved",
        Kind::Cancelled => "Appointment cancelled",
    };
    format!("{what}: {}, {} UTC", day(appointment.start), time(appointment.start))
}

/// The text, for a patient of this name.
pub fn body(kind: Kind, appointment: &Appointment, name: &str) -> String {
    let practitioner = one_line(&appointment.practitioner_name);
    let what = match kind {
        Kind::Confirmation => format!("your appointment with {practitioner} is booked:"),
        Kind::Rescheduled => format!("your appointment with {practitioner} has been moved. It is now:"),
        Kind::Cancelled => format!("your appointment with {practitioner} has been cancelled. It was:"),
    };
    format!(
        "Dear {},\n\n{what}\n\n    {}\n\nThis message was sent automatically; replies to it are not read.",
        one_line(name),
        period(appointment)
    )
}

fn period(appointment: &Appointment) -> String {
    let Appointment { start, end, .. } = *appointment;
    if start.date_naive() == end.date_naive() {
        format!("{}, {} to {} UTC", day(start), time(start), time(end))
    } else {
        format!("{}, {} to {}, {} UTC", day(start), time(start), day(end), time(end))
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%A, %-d %B %Y").to_string()
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%H:%M").to_string()
}

/// A name may hold line breaks; here it must not make a line of its own.
fn one_line(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appointment(start: &str, end: &str) -> Appointment {
        Appointment {
            practitioner_name: "Dr. Mia\nChen".into(),
            start: start.parse().unwrap(),
            end: end.parse().unwrap(),
        }
    }

    #[test]
    fn a_message_says_what_with_whom_and_when() {
        let appointment = appointment("2026-03-02T09:00:00Z", "2026-03-02T09:30:00Z");
        assert_eq!(
            subject(Kind::Confirmation, &appointment),
            "Appointment booked: Monday, 2 March 2026, 09:00 UTC"
        );
        assert_eq!(
            body(Kind::Confirmation, &appointment, "Ann  Lee\r\nBcc: x"),
            "Dear Ann Lee Bcc: x,\n\nyour appointment with Dr. Mia Chen is booked:\n\n    \
             Monday, 2 March 2026, 09:00 to 09:30 UTC\n\n\
             This message was sent automatically; replies to it are not read."
        );
    }

    #[test]
    fn each_kind_has_its_words() {
        let appointment = appointment("2026-03-02T23:30:00Z", "2026-03-03T00:30:00Z");
        let cases = [
            (Kind::Confirmation, "Appointment booked: ", "is booked:"),
            (Kind::Rescheduled, "Appointment moved: ", "has been moved. It is now:"),
            (Kind::Cancelled, "Appointment cancelled: ", "has been cancelled. It was:"),
        ];
        for (kind, start, part) in cases {
            assert!(subject(kind, &appointment).starts_with(start), "{kind}");
            let body = body(kind, &appointment, "Ann");
            assert!(body.contains(part), "{kind}");
            assert!(
                body.contains("Monday, 2 March 2026, 23:30 to Tuesday, 3 March 2026, 00:30 UTC"),
                "{kind}"
            );
        }
    }
}
