//! Spans arrive at a collector, and do no harm where there is none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use hms_settings::Settings;
use hms_testkit::{Collector, until};
use hms_trace::{Here, Kind, Span, Tracer};

const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn leading_to(collector: &Collector) -> Settings {
    Settings::from_pairs([("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())])
}

#[tokio::test]
async fn children_belong_to_what_is_entered_on_any_thread() {
    let collector = Collector::start();
    let settings = leading_to(&collector)
        .with([("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=hospital%201"), ("OTEL_RESOURCE_ATTRIBUTES", "a=b")]);
    let tracer = Tracer::start(&settings, "user").unwrap();
    let span = tracer.span("request", Kind::Server, Some(GIVEN));
    span.run(async {
        tokio::task::yield_now().await;
        let unit = Span::child("write", Kind::Internal);
        let here = unit.run(async { Here::now() }).await;
        let statement = move || {
            let _entered = here.enter();
            assert_eq!(hms_trace::trace_id().unwrap(), "0af7651916cd43dd8448eb211c80319c");
            let statement = Span::child("statement", Kind::Client);
            statement.rename("SELECT");
            statement.fail("refused");
        };
        tokio::task::spawn_blocking(statement).await.unwrap();
    })
    .await;
    assert!(hms_trace::trace_id().is_none());
    drop(span);
    tracer.flush().await;

    let statement = collector.until("the statement", |span| span.name == "SELECT").await;
    assert!(statement.failed && statement.attributes["error.type"] == "refused");
    let line = collector.line_of(&statement);
    let names: Vec<_> = line.iter().map(|span| (span.name.as_str(), span.kind.as_str())).collect();
    assert_eq!(names, [("SELECT", "Client"), ("write", "Internal"), ("request", "Server")]);
    assert!(line.iter().all(|span| span.service == "hms-user" && span.time.0 <= span.time.1));
    assert_eq!(line[2].parent, "b7ad6b7169203331");
    assert_eq!(collector.header("x-tenant").as_deref(), Some("hospital 1"));
    assert_eq!((tracer.numbers().sent, tracer.numbers().dropped), (3, 0));
}

#[tokio::test]
async fn who_began_the_trace_decides_whether_it_is_kept() {
    let collector = Collector::start();
    let off = leading_to(&collector).with([("OTEL_TRACES_SAMPLER", "parentbased_always_off")]);
    let tracer = Tracer::start(&off, "user").unwrap();
    let own = tracer.span("own", Kind::Server, None);
    // It goes on unsampled, so that those behind do not begin traces of their own.
    assert!(!own.is_recorded() && own.traceparent().unwrap().ends_with("-00"));
    drop(tracer.span("given", Kind::Server, Some(GIVEN)));
    drop(tracer.span("not wanted", Kind::Server, Some(&GIVEN.replace("-01", "-00"))));
    assert!(tracer.continued("of no trace", Kind::Consumer, None).traceparent().is_none());
    drop(own);
    tracer.flush().await;
    let names: Vec<_> = collector.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["given"]);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_no_time_and_bounded_room() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = Settings::from_pairs([("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{address}"))]);
    let tracer = Tracer::with_room(&settings, "user", 100).unwrap();
    let begun = Instant::now();
    for _ in 0..10_000 {
        drop(tracer.span("request", Kind::Server, None));
    }
    // They did not wait: each attempt to send takes longer than all of them may.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // Those that had no room are counted at once, the others when they are given up.
    assert!(tracer.numbers().dropped >= 9_000, "{:?}", tracer.numbers());
    until("all to be given up", 30, async || (tracer.numbers().dropped == 10_000).then_some(())).await;

    // It comes back, and spans arrive.
    let collector = Collector::start();
    let tracer = Tracer::start(&leading_to(&collector), "user").unwrap();
    drop(tracer.span("request", Kind::Server, None));
    collector.until("a span", |span| span.name == "request").await;
}

#[test]
fn without_an_endpoint_there_is_nothing() {
    // Also outside of a runtime.
    let tracer = Tracer::start(&Settings::default(), "user").unwrap();
    let span = tracer.span("request", Kind::Server, Some(GIVEN));
    assert!(!tracer.is_on() && !span.is_recorded() && span.traceparent().is_none());
    let _entered = span.enter();
    assert!(Span::child("write", Kind::Internal).traceparent().is_none());
}
