//! The live stream of the queue: a screen hears at one process what was done at the others.

use futures_util::StreamExt;
use hms_tests::{Client, PATIENCE, until};
use serde_json::json;
use tokio::time::timeout;

use crate::Scene;

const STREAM: &str = "/api/v1/queue/stream";
const CHECK_IN: &str = "/api/v1/queue/check-in";

/// The number of an event, and of the ticket that it tells of.
type Heard = (i64, String);

/// Listens at a process from after this event on, until so many have come.
async fn listen(client: &Client, after: i64, count: usize) -> Vec<Heard> {
    let answer = client.open(STREAM, &[("Last-Event-ID", &after.to_string())]).await;
    assert_eq!(answer.status(), 200);
    let mut stream = answer.bytes_stream();
    let (mut text, mut heard) = (String::new(), Vec::new());
    while heard.len() < count {
        let piece = timeout(std::time::Duration::from_secs(PATIENCE), stream.next()).await;
        let piece = piece.unwrap_or_else(|_| panic!("only {heard:?} within {PATIENCE} s"));
        text.push_str(std::str::from_utf8(&piece.expect("the stream goes on").unwrap()).unwrap());
        heard = text.split_inclusive("\n\n").filter_map(event).collect();
    }
    heard
}

fn event(block: &str) -> Option<Heard> {
    let block = block.strip_suffix("\n\n")?;
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let data: serde_json::Value = serde_json::from_str(field("data: ")?).ok()?;
    assert_eq!(field("event: "), Some("ticket"), "{block}");
    Some((field("id: ")?.parse().unwrap(), data["number"].as_str().unwrap().to_owned()))
}

pub async fn a_screen_at_one_process_hears_all_that_is_done_at_the_others(scene: &Scene) {
    let department = scene.admin.make("/api/v1/departments", &json!({"name": "Cardiology"})).await;
    let (clients, walk_in) = (scene.clients(), json!({"department_id": department}));
    let last = clients.last().unwrap();
    until("the department to be known", PATIENCE, async || {
        (last.post(CHECK_IN, &walk_in).await.code() != "UNKNOWN_REFERENCE").then_some(())
    })
    .await;
    let current = clients[0].get(&format!("/api/v1/queue/current?department_id={department}")).await;
    let at = current.expect(200)["position"].as_i64().unwrap();

    // A screen at each process; people come to all of them at once.
    let screens: Vec<_> = clients
        .iter()
        .cloned()
        .map(|client| tokio::spawn(async move { listen(&client, at, 30).await }))
        .collect();
    let answers = scene.at_once(30, async |client, _| client.post(CHECK_IN, &walk_in).await).await;
    let mut given: Vec<_> =
        answers.iter().map(|answer| answer.expect(201)["number"].as_str().unwrap()).collect();
    given.sort_unstable();
    let mut all = Vec::new();
    for screen in screens {
        all.push(screen.await.unwrap());
    }
    let first = &all[0];
    assert!(all.iter().all(|heard| heard == first), "every screen hears the same in the same order: {all:?}");
    assert!(first.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1), "nothing is left out: {first:?}");
    let mut heard: Vec<_> = first.iter().map(|(_, number)| number.as_str()).collect();
    heard.sort_unstable();
    assert_eq!(heard, given);

    // A screen that was cut off in the middle comes again, at another process than the one that it listened at.
    for (number, client) in clients.iter().enumerate() {
        let seen = 7 + number;
        assert_eq!(listen(client, first[seen].0, 30 - seen - 1).await, first[seen + 1..]);
    }
    assert_eq!(clients[0].post(CHECK_IN, &walk_in).await.expect(201)["status"], "waiting");
    let newest = first.last().unwrap().0;
    assert_eq!(listen(last, newest, 1).await[0].0, newest + 1);
}
