//! The metrics of every service and of the gateway: named by Prometheus' conventions, and bounded in their number
//! whatever clients send.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use futures_util::future::join_all;
use hms_model::service::SERVICES;
use hms_tests::{Client, Kind, Person, Platform, records, repository, wanted};

/// Requests of each kind.
const MANY: usize = 2_500;
/// Requests at the same time.
const TOGETHER: usize = 50;

#[tokio::test]
async fn names_are_conventional_and_clients_make_no_new_series() {
    if !wanted(Kind::Embedded) {
        return;
    }
    let platform = Platform::start(Kind::Embedded).await;
    let admin = platform.admin().await;
    admin.make("/api/v1/patients", &records::patient("Ann", "Andersson")).await;
    for (name, client) in everybody(&platform) {
        let text = metrics_of(&client).await;
        // cpu, memory, files, the start; and what every part counts.
        for family in [
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_start_time_seconds",
            "http_server_request_duration_seconds_bucket",
            "hms_trace_spans_dropped_total",
        ] {
            assert!(text.lines().any(|line| line.starts_with(family)), "{name} has no {family}");
        }
        are_conventional(name, &text);
    }

    // What each kind of request makes once, 10,000 of them make no more of.
    ask(&platform, &admin, 0..TOGETHER).await;
    let before = series(&platform).await;
    ask(&platform, &admin, TOGETHER..MANY).await;
    let after = series(&platform).await;
    let new: Vec<_> = after.difference(&before).collect();
    assert!(new.is_empty(), "{new:#?}");
}

/// As `promtool check metrics` sees it.
fn are_conventional(name: &str, text: &str) {
    let mut command = Command::new(repository().join("tests/deploy/check.sh"));
    command.args(["promtool", "check", "metrics"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut checking = command.spawn().unwrap();
    checking.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = checking.wait_with_output().unwrap();
    let status = output.status;
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(status.success(), "{name}: {said}");
}

/// Paths, ids, methods and hosts that nobody has sent before.
async fn ask(platform: &Platform, admin: &Person, numbers: std::ops::Range<usize>) {
    let (gateway, user) = (platform.gateway(), platform.service("user"));
    let token = admin.client.token().unwrap();
    let direct = user.with_token(token);
    let numbers: Vec<usize> = numbers.collect();
    for some in numbers.chunks(TOGETHER) {
        let asking = some.iter().map(|number| {
            let (gateway, direct, admin) = (&gateway, &direct, &admin.client);
            async move {
                let host = format!("host-{number}.example.org");
                let id = format!("00000000-0000-7000-8000-{number:012}");
                let method = format!("METHOD{number}");
                let requests = [
                    (gateway, "GET", format!("/made/up/{number}"), None),
                    (admin, "GET", format!("/api/v1/patients/{id}"), Some(("x-request-id", id.as_str()))),
                    (direct, method.as_str(), "/api/v1/patients".to_owned(), None),
                    (direct, "GET", format!("/api/v1/made-up-{number}"), Some(("host", host.as_str()))),
                ];
                for (client, method, path, header) in requests {
                    let answer = client.request(method, &path, header.as_slice(), None).await;
                    assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.status);
                }
            }
        });
        join_all(asking).await;
    }
}

fn everybody(platform: &Platform) -> Vec<(&'static str, Client)> {
    let services = SERVICES.iter().map(|service| (service.name, platform.service(service.name)));
    services.chain([("gateway", platform.gateway())]).collect()
}

async fn metrics_of(client: &Client) -> String {
    client.get("/metrics").await.expect(200).body.as_str().unwrap().to_owned()
}

/// Names and labels of all that is told, without the values.
async fn series(platform: &Platform) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (name, client) in everybody(platform) {
        let text = metrics_of(&client).await;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        all.extend(lines.filter_map(|line| Some(format!("{name} {}", line.rsplit_once(' ')?.0))));
    }
    all
}
