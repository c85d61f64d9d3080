//! `hms logs` shows what was logged and what is being logged, of all services or of some.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

use std::collections::BTreeSet;

use hms_tests::{Kind, PATIENCE, Platform, Process, programs, until, wanted};
use serde_json::Value;

#[tokio::test]
async fn lines_of_the_whole_platform_are_shown_and_followed() {
    if !wanted(Kind::Embedded) {
        return;
    }
    let mut platform = Platform::prepare(Kind::Embedded);
    platform.launch().await;
    ask(&platform, "asked-before").await;
    let following = platform.folder().join("following");
    std::fs::create_dir_all(&following).unwrap();
    let follow = Process::start(platform.command(&["logs", "--follow"]), &following);
    until_it_shows(&follow, "asked-before").await;
    ask(&platform, "asked-meanwhile").await;
    until_it_shows(&follow, "asked-meanwhile").await;

    let one = shown(&platform, &["--request-id", "asked-meanwhile"]).await;
    assert!(!one.is_empty() && one.iter().all(|line| line["request_id"] == "asked-meanwhile"), "{one:#?}");
    let lines = shown(&platform, &[]).await;
    let times: Vec<_> = lines.iter().map(|line| line["timestamp"].as_str().unwrap().to_owned()).collect();
    assert!(times.is_sorted_by_key(|time| chrono::DateTime::parse_from_rfc3339(time).unwrap()));
    let of_gateway = shown(&platform, &["gateway"]).await;
    assert!(!of_gateway.is_empty() && of_gateway.len() < lines.len());
    assert!(of_gateway.iter().all(|line| line["target"].as_str().unwrap().starts_with("hms_gateway")));
    assert!(shown(&platform, &["--since", "2099-01-01T00:00:00Z"]).await.is_empty());
    assert!(shown(&platform, &["--level", "error"]).await.iter().all(|line| line["level"] == "ERROR"));
    let unknown = platform.run(&["logs", "nobody"]).await;
    assert!(unknown.expect(1).stderr.contains("there is no service nobody"), "{}", unknown.stderr);
}

/// Services that run alone write to one folder, each its own file.
#[tokio::test]
async fn lines_of_processes_are_merged() {
    if !wanted(Kind::Embedded) {
        return;
    }
    let platform = Platform::prepare(Kind::Embedded);
    let platform = {
        let folder = platform.data().join("logs").display().to_string();
        platform.with("LOG_DIR", &folder)
    };
    let mut running = Vec::new();
    for name in ["auth", "user"] {
        let folder = platform.folder().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let program = programs().join(format!("hms-{name}"));
        running.push(Process::start(platform.program(program.to_str().unwrap()), &folder));
    }
    for name in ["auth", "user"] {
        until("the service to be ready", PATIENCE, async || {
            let ready = platform.service(name).try_request("GET", "/health/ready", &[], None).await.ok()?;
            (ready.status == 200).then_some(())
        })
        .await;
    }
    let services: BTreeSet<String> = until("the lines of both", PATIENCE, async || {
        let lines = shown(&platform, &[]).await;
        let answering = lines.iter().filter(|line| line["message"] == "answering");
        let names: BTreeSet<_> =
            answering.filter_map(|line| line["service"].as_str()).map(str::to_owned).collect();
        (names.len() == 2).then_some(names)
    })
    .await;
    assert_eq!(services.into_iter().collect::<Vec<_>>(), ["auth", "user"]);
    let of_user = shown(&platform, &["user"]).await;
    let others = |line: &Value| line["service"].as_str().is_some_and(|name| name != "user");
    assert!(of_user.iter().any(|line| line["message"] == "answering"), "{of_user:#?}");
    assert!(!of_user.iter().any(others), "{of_user:#?}");
}

#[tokio::test]
async fn where_nothing_is_logged_it_says_so() {
    let platform = Platform::prepare(Kind::Embedded);
    let outcome = platform.run(&["logs"]).await;
    assert!(outcome.expect(1).stderr.contains("nothing is logged in"), "{}", outcome.stderr);
}

async fn ask(platform: &Platform, request_id: &str) {
    let gateway = platform.gateway();
    gateway.request("GET", "/api/v1/patients", &[("x-request-id", request_id)], None).await.expect(401);
}

async fn until_it_shows(follow: &Process, text: &str) {
    until(&format!("{text} to be shown"), PATIENCE, async || follow.stdout().contains(text).then_some(()))
        .await;
}

async fn shown(platform: &Platform, arguments: &[&str]) -> Vec<Value> {
    let outcome = platform.run(&[&["logs", "--json"], arguments].concat()).await;
    outcome.expect(0).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
