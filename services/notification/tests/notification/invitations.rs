//! The invitation that goes with a mail, read back by a library that nobody here wrote.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{App, appointment, outgoing, patient};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use hms_model::event::{
    AppointmentCancelled, AppointmentRescheduled, AppointmentScheduled, DepartmentCreated, DepartmentFacts,
};
use hms_model::id::Id;
use hms_testkit::{on_both_back_ends, until};
use serde_json::{Value, json};

const SCRIPT: &str = "../../tests/ics/run.sh";

fn read_back(calendar: &[u8]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT);
    let mut reader = Command::new(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash and python3");
    reader.stdin.take().unwrap().write_all(calendar).unwrap();
    let outcome = reader.wait_with_output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
    serde_json::from_slice(&outcome.stdout).unwrap()
}

/// The parts of a mail that are calendars, with the method of their headers.
fn calendars(mail: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for part in mail.split("\r\n--").filter(|part| part.contains("text/calendar")) {
        let Some((head, body)) = part.split_once("\r\n\r\n") else { continue };
        let method = head.split("method=").nth(1).unwrap().split([';', '\r']).next().unwrap();
        let octets = match head.to_lowercase() {
            head if head.contains("transfer-encoding: base64") => {
                STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap()
            }
            head if head.contains("quoted-printable") => unquoted(body),
            _ => body.as_bytes().to_vec(),
        };
        found.push((method.trim_matches('"').to_owned(), octets));
    }
    found
}

/// RFC 2045, 6.7.
pub fn unquoted(text: &str) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let mut parts = joined.split('=');
    let mut octets = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        octets.push(u8::from_str_radix(&part[..2], 16).unwrap());
        octets.extend(part[2..].bytes());
    }
    octets
}

on_both_back_ends! {
    async fn calendars_take_in_what_is_booked_moved_and_called_off(backend) {
        let settings = [("HMS_ORGANISATION", "Clinic North; Ward 2"), ("HMS_MAIL_FROM", "Desk <desk@north.example>")];
        let app = App::start_with(backend, &settings).await;
        let ann = patient(&app, "ann@example.org").await;
        let place = DepartmentFacts { department_id: Id::new(app.clock.now()), version: 1, name: "Kardiologie, 2. Stock".into(), active: true };
        app.deliver(&DepartmentCreated(place.clone())).await;
        let mut visit = appointment(&app.clock, ann);
        visit.department_id = Some(place.department_id);
        let mail = async |count: usize| {
            let mails = until(&format!("{count} mails"), 10, async || {
                let mails = outgoing(&app, ".eml");
                (mails.len() == count).then_some(mails)
            })
            .await;
            mails.into_iter().flat_map(|mail| calendars(&mail)).map(|(method, octets)| (method, read_back(&octets))).collect::<Vec<_>>()
        };
        app.deliver(&AppointmentScheduled(visit.clone())).await;
        let [(method, booked)] = &mail(1).await[..] else { panic!("one calendar") };
        assert_eq!((method.as_str(), &booked["method"]), ("REQUEST", &json!("REQUEST")));
        let id = format!("{}@hms", visit.appointment_id);
        let event = &booked["events"][0];
        assert_eq!((&event["uid"], &event["sequence"], &event["status"]), (&json!(id), &json!(0), &json!("CONFIRMED")));
        assert_eq!((&event["start"], &event["end"]), (&json!("2026-03-03T09:00:00+00:00"), &json!("2026-03-03T09:30:00+00:00")));
        assert_eq!(event["location"], "Kardiologie, 2. Stock");
        assert_eq!((&event["organizer"], &event["attendees"]), (&json!("mailto:desk@north.example"), &json!(["mailto:ann@example.org"])));

        visit.version = 2;
        (visit.start, visit.end) = (visit.start + TimeDelta::hours(2), visit.end + TimeDelta::hours(2));
        app.deliver(&AppointmentRescheduled(visit.clone())).await;
        mail(2).await;
        (visit.version, visit.status) = (3, "cancelled".into());
        app.deliver(&AppointmentCancelled(visit)).await;
        let mut all: Vec<_> = mail(3).await.into_iter().map(|(method, calendar)| {
            let event = calendar["events"][0].clone();
            (event["sequence"].as_i64().unwrap(), method, event)
        }).collect();
        all.sort_by_key(|(sequence, ..)| *sequence);
        let [_, moved, off] = &all[..] else { panic!("three calendars: {all:?}") };
        assert_eq!((moved.0, moved.1.as_str(), &moved.2["start"]), (1, "REQUEST", &json!("2026-03-03T11:00:00+00:00")));
        assert_eq!((off.0, off.1.as_str(), &off.2["status"]), (2, "CANCEL", &json!("CANCELLED")));
        assert!(all.iter().all(|(_, _, event)| event["uid"] == id));
        app.stop().await;
    }
}
