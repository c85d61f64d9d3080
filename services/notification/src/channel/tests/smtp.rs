//! E-mail to a server that nobody here wrote (aiosmtpd); what it takes is read by Python's own parser.

use std::time::{Duration, Instant};

use serde_json::json;

use super::other::{Certificate, Other};
use super::*;
use crate::domain::CalendarMethod;

const ANN: Address<'_> = Address::Email("ann@example.org");
const KNOWN: &str = "clinic:p%40ss%3Aword";
const INVITATION: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//HMS//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n\
    UID:7@hms.example\r\nSEQUENCE:0\r\nDTSTAMP:20260302T080000Z\r\nDTSTART:20260303T090000Z\r\nDTEND:20260303T093000Z\r\n\
    SUMMARY:Bei Dr. Müller\r\nORGANIZER:mailto:no-reply@clinic.example\r\nATTENDEE:mailto:ann@example.org\r\n\
    END:VEVENT\r\nEND:VCALENDAR\r\n";

async fn server(mode: &str) -> (Other, Certificate) {
    let certificate = Certificate::new();
    (Other::start(&["smtp.py", mode], &certificate).await, certificate)
}

fn world(url: &str, certificate: &Certificate, more: &[(&str, &str)]) -> World {
    let chain = certificate.chain().display().to_string();
    let settings = [
        ("SMTP_URL", url),
        ("HMS_OUTGOING_CA_FILE", chain.as_str()),
        ("HMS_MAIL_FROM", "Clinic <no-reply@clinic.example>"),
    ];
    World::new(&[settings.as_slice(), more].concat())
}

#[tokio::test]
async fn mail_goes_over_tls_signed_in_and_is_what_was_said() {
    for (mode, scheme, query) in [("tls", "smtps", ""), ("starttls", "smtp", "?tls=required")] {
        let (mut server, certificate) = server(mode).await;
        let url = format!("{scheme}://{KNOWN}@localhost:{}{query}", server.port());
        let world = world(&url, &certificate, &[]);
        let receipt = world.send(ANN).await.unwrap();
        let mail = server.next().await;
        assert_eq!((&mail["tls"], &mail["user"]), (&json!(true), &json!("clinic")), "{mode}");
        assert_eq!(mail["from"], "no-reply@clinic.example");
        assert_eq!(mail["to"], json!(["ann@example.org"]));
        let headers = &mail["headers"];
        assert_eq!(headers["subject"], "Appointment — booked");
        assert_eq!(headers["from"], "Clinic <no-reply@clinic.example>");
        assert_eq!(headers["to"], "ann@example.org");
        assert_eq!(headers["auto-submitted"], "auto-generated");
        assert_eq!(headers["message-id"], receipt.provider_id.unwrap());
        assert_eq!(mail["shape"], json!(["text/plain"]));
        assert_eq!(mail["parts"][0]["text"].as_str().unwrap().trim_end(), "Tomorrow at nine, Grüße.");
    }
}

#[tokio::test]
async fn an_invitation_is_read_by_calendars_and_is_a_file_beside() {
    let (mut server, certificate) = server("plain").await;
    let world = world(&format!("smtp://localhost:{}", server.port()), &certificate, &[]);
    let calendar = Calendar { method: CalendarMethod::Request, text: INVITATION };
    world.send_with(ANN, "Tomorrow.", Some(calendar)).await.unwrap();
    let mail = server.next().await;
    let shape =
        ["multipart/mixed", "multipart/alternative", "text/plain", "text/calendar", "application/ics"];
    assert_eq!(mail["shape"], json!(shape));
    let [text, event, file] = [0, 1, 2].map(|part| &mail["parts"][part]);
    assert_eq!(text["text"].as_str().unwrap().trim_end(), "Tomorrow.");
    // RFC 6047, 2.4: the part says what the object says.
    assert_eq!(event["parameters"], json!({ "charset": "utf-8", "method": "REQUEST" }));
    assert_eq!(event["disposition"], json!(null));
    assert_eq!((&file["disposition"], &file["file"]), (&json!("attachment"), &json!("invite.ics")));
    for part in [event, file] {
        assert_eq!(part["calendar"], json!({ "method": "REQUEST", "events": ["7@hms.example"] }));
        assert!(part["text"].as_str().unwrap().contains("Bei Dr. Müller"), "{part}");
    }
}

#[tokio::test]
async fn a_refusal_is_for_ever_or_for_now_as_the_server_says() {
    let (mut server, certificate) = server("plain").await;
    let world = world(&format!("smtp://localhost:{}", server.port()), &certificate, &[]);
    for (address, expected, reason) in [
        ("never@example.org", "never", "the mail server did not take it: 550 5.1.1"),
        ("later@example.org", "later", "the mail server did not take it: 451 4.2.2"),
        ("not an address", "never", "mail cannot be sent to this address"),
    ] {
        let outcome = world.send(Address::Email(address)).await;
        assert_eq!(kind(&outcome), expected, "{address}");
        assert_eq!(outcome.unwrap_err().to_string(), reason);
    }
    world.send(ANN).await.unwrap();
    assert_eq!(server.next().await["to"], json!(["ann@example.org"]));
}

#[tokio::test]
async fn who_we_are_and_who_they_are_must_be_right() {
    let (server, certificate) = server("tls").await;
    let (port, stranger) = (server.port(), Certificate::new());
    let cases = [
        (format!("smtps://clinic:wr0ng@localhost:{port}"), &certificate, "535"),
        (format!("smtps://localhost:{port}"), &certificate, "530"),
        (format!("smtps://{KNOWN}@localhost:{port}"), &stranger, "invalid peer certificate"),
        ("smtps://localhost:1".to_owned(), &certificate, "Connection refused"),
    ];
    for (url, trusted, part) in cases {
        let outcome = world(&url, trusted, &[]).send(ANN).await;
        // A mail must not be lost by what an operator mends.
        assert_eq!(kind(&outcome), "later", "{url}");
        let reason = outcome.unwrap_err().to_string();
        assert!(reason.contains(part) && !reason.contains("wr0ng"), "{url}: {reason}");
    }
}

#[tokio::test]
async fn nothing_goes_unencrypted_where_encryption_is_required() {
    let (server, certificate) = server("plain").await;
    let world = world(&format!("smtp://localhost:{}?tls=required", server.port()), &certificate, &[]);
    let outcome = world.send(ANN).await;
    assert_eq!(kind(&outcome), "later");
    assert!(outcome.unwrap_err().to_string().contains("STARTTLS is not supported"));
}

#[tokio::test]
async fn connections_are_used_again_but_not_after_what_was_broken_off() {
    let (mut server, certificate) = server("plain").await;
    let world = world(&format!("smtp://localhost:{}", server.port()), &certificate, &[]);
    let mut connections = Vec::new();
    for _ in 0..3 {
        world.send(ANN).await.unwrap();
        connections.push(server.next().await["connection"].clone());
    }
    assert!(connections.iter().all(|connection| *connection == connections[0]), "{connections:?}");
    // Whoever gives up in the middle leaves an answer on the way that nobody must read as that to the next mail.
    let hang =
        tokio::time::timeout(Duration::from_millis(300), world.send(Address::Email("hang@example.org")));
    assert!(hang.await.is_err());
    assert_eq!(kind(&world.send(Address::Email("never@example.org")).await), "never");
    world.send(ANN).await.unwrap();
    assert_ne!(server.next().await["connection"], connections[0]);
}

#[tokio::test]
async fn no_more_go_out_in_a_second_than_the_provider_allows() {
    let (mut server, certificate) = server("plain").await;
    let url = format!("smtp://localhost:{}", server.port());
    let world = world(&url, &certificate, &[("HMS_EMAIL_PER_SECOND", "5"), ("HMS_EMAIL_AT_ONCE", "8")]);
    let begun = Instant::now();
    let sent = futures_util::future::join_all((0..6).map(|_| world.send(ANN))).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    for _ in 0..6 {
        server.next().await;
    }
    let world = self::world(&url, &certificate, &[("HMS_EMAIL_PER_SECOND", "0.05")]);
    let sent = [world.send(ANN).await, world.send(ANN).await];
    assert_eq!(sent.each_ref().map(kind), ["sent", "busy"]);
}
