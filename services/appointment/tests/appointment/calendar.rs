//! A practitioner's calendar, read back by a library that nobody here wrote.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use hms_testkit::Client;
use serde_json::{Value, json};

use crate::common::{APPOINTMENTS, World, at, path, wish, with};

const SCRIPT: &str = "../../tests/ics/run.sh";

async fn fetch(base: &str, client: &Client, practitioner: &str) -> (String, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{base}/api/v1/practitioners/{practitioner}/calendar.ics");
    let answer = http.get(url).bearer_auth(client.token().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (kind, answer.text().await.unwrap())
}

/// On a thread that may wait: the library is installed first where it is not there, and meanwhile connections end.
async fn read_back(calendar: &str) -> Value {
    let calendar = calendar.to_owned();
    tokio::task::spawn_blocking(move || read_now(&calendar)).await.unwrap()
}

fn read_now(calendar: &str) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT);
    let mut reader = Command::new(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash and python3");
    reader.stdin.take().unwrap().write_all(calendar.as_bytes()).unwrap();
    let outcome = reader.wait_with_output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
    serde_json::from_slice(&outcome.stdout).unwrap()
}

hms_testkit::on_both_back_ends! {
    async fn another_library_reads_what_is_in_it(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        // Commas, semicolons, backslashes, line breaks, and letters of several octets around the fold.
        let reason = format!("{}; two, three\\four\nfive", "Rückenschmerzen und Ärger ".repeat(8));
        let mut ids = Vec::new();
        for (number, reason) in [(0, reason.trim()), (1, "plain")] {
            let body = wish(world.patient().await, practitioner, &at(600 + number * 60), &at(630 + number * 60));
            let made = world.desk.post(APPOINTMENTS, &with(&body, json!({ "reason": reason }))).await;
            ids.push(made.expect(201).text("id"));
        }
        world.desk.patch(&path(&ids[0]), &json!({ "start": at(900), "end": at(930) })).await.expect(200);
        let (kind, text) = fetch(&world.app.base(), &world.desk, &practitioner.to_string()).await;
        assert_eq!(kind, "text/calendar; charset=utf-8");
        let read = read_back(&text).await;
        assert_eq!((&read["version"], &read["has_prodid"]), (&json!("2.0"), &json!(true)));
        assert_eq!(read["events"].as_array().unwrap().len(), 2);
        let moved = &read["events"][1];
        assert_eq!(moved["uid"], format!("{}@hms", ids[0]));
        assert_eq!((&moved["sequence"], &moved["status"]), (&json!(1), &json!("CONFIRMED")));
        assert_eq!((&moved["start"], &moved["end"]), (&json!("2026-03-04T15:00:00+00:00"), &json!("2026-03-04T15:30:00+00:00")));
        assert_eq!(moved["stamp"], "2026-03-02T08:00:00+00:00");
        assert_eq!(moved["description"], reason.trim());
        // What is called off is in it no more, and patients do not see it.
        world.desk.post(&format!("{}/cancel", path(&ids[1])), &json!({ "reason": "Ill" })).await.expect(200);
        let (_, text) = fetch(&world.app.base(), &world.desk, &practitioner.to_string()).await;
        assert_eq!(read_back(&text).await["events"].as_array().unwrap().len(), 1);
        let (_, own) = world.someone().await;
        own.get(&format!("/api/v1/practitioners/{practitioner}/calendar.ics")).await.expect_problem(403, "FORBIDDEN");
    }
}
