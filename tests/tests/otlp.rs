//! One trace from the gateway to the mail, as a collector gets it: in one process, and with each service in its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

use std::collections::BTreeSet;

use hms_tests::{
    Answer, Client, Collector, Kind, PATIENCE, Person, Platform, Processes, ReceivedSpan, records, until,
    wanted,
};
use serde_json::{Value, json};

/// What a client's own tracing gives to its request.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

#[tokio::test]
async fn embedded() {
    if !wanted(Kind::Embedded) {
        return;
    }
    let collector = Collector::start();
    let mut platform = traced(Kind::Embedded, &collector);
    platform.launch().await;
    a_booking_is_one_trace_down_to_the_mail(&platform, &collector).await;
    let metrics = platform.service("user").get("/metrics").await;
    let sent =
        metrics.body.as_str().unwrap().lines().find(|line| line.starts_with("hms_trace_spans_sent_total "));
    assert!(sent.is_some_and(|line| !line.ends_with(" 0")), "{sent:?}");
    // At its end it sends what it has.
    platform.gateway().get("/api/v1/patients?search=nobody").await.expect(401);
    platform.stop().await;
    let code = |span: &ReceivedSpan| span.attributes.get("http.response.status_code").cloned();
    let refused = |span: &ReceivedSpan| span.kind == "Server" && code(span).is_some_and(|code| code == "401");
    collector.until("the last request", refused).await;
}

#[tokio::test]
async fn production() {
    if !wanted(Kind::Production) {
        return;
    }
    let collector = Collector::start();
    let platform = traced(Kind::Production, &collector);
    let _processes = Processes::start(&platform, &[]).await;
    a_booking_is_one_trace_down_to_the_mail(&platform, &collector).await;
}

/// Nothing waits for a collector that does not answer, and requests are answered as ever.
#[tokio::test]
async fn a_collector_that_is_away_changes_nothing() {
    if !wanted(Kind::Embedded) {
        return;
    }
    let mut platform = Platform::prepare(Kind::Embedded)
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .with("LOG_FORMAT", "json");
    platform.launch().await;
    let admin = platform.admin().await;
    for _ in 0..50 {
        admin.client.get("/api/v1/patients").await.expect(200);
    }
    until("spans to be dropped", PATIENCE, async || {
        let metrics = platform.service("user").get("/metrics").await;
        let text = metrics.body.as_str()?.to_owned();
        text.lines()
            .any(|line| line.strip_prefix("hms_trace_spans_dropped_total ").is_some_and(|count| count != "0"))
            .then_some(())
    })
    .await;
    let said = platform.process().stderr();
    assert!(said.contains("spans do not arrive at the collector"), "{said}");
    platform.stop().await;
}

/// Each line that is written within a trace has its id.
#[tokio::test]
async fn lines_of_the_log_name_their_trace() {
    if !wanted(Kind::Embedded) {
        return;
    }
    let collector = Collector::start();
    let mut platform = traced(Kind::Embedded, &collector).with("LOG_FORMAT", "json");
    platform.launch().await;
    book(&platform).await;
    let line = until("the line of the mail", PATIENCE, async || {
        let log = platform.process().stderr();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["message"] == "message written" && line["trace_id"] == TRACE)
    })
    .await;
    assert!(line["notification"].is_string(), "{line}");
}

fn traced(kind: Kind, collector: &Collector) -> Platform {
    Platform::prepare(kind).with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())
}

struct Booked {
    admin: Person,
    patient: Value,
    names: Vec<String>,
}

/// Books within the client's trace.
async fn book(platform: &Platform) -> Booked {
    let admin = until("the admin", PATIENCE, async || {
        let body = json!({"username": hms_tests::ADMIN_EMAIL, "password": hms_tests::ADMIN_PASSWORD});
        (platform.gateway().post("/api/v1/auth/login", &body).await.status == 200).then_some(())
    });
    admin.await;
    let admin = platform.admin().await;
    let patient = records::patient("Zyxanne", "Quellenthal");
    let patient_id = admin.make("/api/v1/patients", &patient).await;
    let doctor_id = admin.make("/api/v1/practitioners", &records::practitioner("Noor", "Haddad")).await;
    let body = records::booking(&patient_id, &doctor_id, records::moment(20, 9 * 60));
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let booked = until("the appointment service to know of the two", PATIENCE, async || {
        let answer = post_within(&admin.client, &traceparent, &body).await;
        (answer.code() != "UNKNOWN_REFERENCE").then_some(answer)
    })
    .await;
    let id = booked.expect(201).text("id");
    Booked { admin, patient, names: vec![patient_id, doctor_id, id] }
}

async fn post_within(client: &Client, traceparent: &str, body: &Value) -> Answer {
    client.post_with("/api/v1/appointments", body, &[("traceparent", traceparent)]).await
}

async fn a_booking_is_one_trace_down_to_the_mail(platform: &Platform, collector: &Collector) {
    let booked = book(platform).await;
    let sent = collector
        .until("the mail", |span| is_of(span, "notification", "send message") && span.trace == TRACE);
    let sent = sent.await;
    // Spans of several services arrive one by one.
    let line = until("the whole line", PATIENCE, async || {
        let line = collector.line_of(&sent);
        line.last().is_some_and(|first| first.parent == PARENT).then_some(line)
    })
    .await;
    let shown: Vec<_> =
        line.iter().map(|span| (span.service.as_str(), span.kind.as_str(), span.name.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("hms-notification", "Client", "send message"),
            ("hms-notification", "Consumer", "process appointment.scheduled"),
            ("hms-appointment", "Producer", "publish appointment.scheduled"),
            ("hms-appointment", "Internal", "write"),
            ("hms-appointment", "Server", "POST /api/v1/appointments"),
            ("hms-gateway", "Client", "POST appointment"),
            ("hms-gateway", "Server", "POST /api/v1/appointments"),
        ]
    );
    assert!(line.iter().all(|span| span.time.0 <= span.time.1 && !span.failed), "{line:#?}");
    assert_eq!(line[6].attributes["http.response.status_code"], "201");
    assert_eq!(line[4].attributes["http.route"], "/api/v1/appointments");
    statements_belong_to_their_units(collector, &line[3], &line[1]).await;
    nothing_of_a_person_is_told(collector, &booked);
}

/// Both the booking and the handler of the event have their statements.
async fn statements_belong_to_their_units(collector: &Collector, write: &ReceivedSpan, taken: &ReceivedSpan) {
    let texts = |parent: &ReceivedSpan| -> Vec<String> {
        let spans =
            collector.spans().into_iter().filter(|span| span.parent == parent.id && span.kind == "Client");
        spans.filter_map(|span| span.attributes.get("db.query.text").cloned()).collect()
    };
    for (parent, table) in [(write, "appointments"), (write, "outbox"), (taken, "messages")] {
        until(&format!("a statement about {table}"), PATIENCE, async || {
            let found =
                texts(parent).into_iter().find(|text| text.starts_with("INSERT") && text.contains(table));
            found.map(drop)
        })
        .await;
    }
    let systems: BTreeSet<_> =
        collector.spans().iter().filter_map(|span| span.attributes.get("db.system.name").cloned()).collect();
    assert_eq!(systems.len(), 1, "{systems:?}");
}

/// Neither names nor ids, of whatever has arrived from any service.
fn nothing_of_a_person_is_told(collector: &Collector, booked: &Booked) {
    let spans = collector.spans();
    let services: BTreeSet<_> = spans.iter().map(|span| span.service.as_str()).collect();
    assert!(services.len() >= 5, "{services:?}");
    let words = ["given_name", "family_name", "phone", "email"];
    let words = words.iter().map(|field| booked.patient[*field].as_str().unwrap().to_owned());
    let words = words.chain(booked.names.iter().cloned());
    let words = words.chain([booked.admin.account_id().to_owned(), booked.admin.refresh.clone()]);
    let words: Vec<String> = words.chain([booked.admin.client.token().unwrap().to_owned()]).collect();
    for span in &spans {
        let told: Vec<&String> = [&span.name].into_iter().chain(span.attributes.values()).collect();
        for word in &words {
            assert!(told.iter().all(|text| !text.contains(word.as_str())), "{word} is told: {span:#?}");
        }
    }
}

fn is_of(span: &ReceivedSpan, service: &str, name: &str) -> bool {
    span.service == format!("hms-{service}") && span.name == name
}
