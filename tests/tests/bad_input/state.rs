//! All that the cases could change.

use hms_tests::{PATIENCE, Trail, records, until};
use serde_json::{Value, json};

use crate::world::World;

const LISTS: [&str; 6] =
    ["patients", "practitioners", "departments", "appointments", "accounts", "notifications"];

/// What there is, once everything under way has arrived.
#[derive(Debug)]
pub struct State {
    records: Vec<Value>,
    writes: i64,
    notifications: i64,
}

/// The state after a write in each service. Their entries reach the audit in the order in which they were made: when
/// the last ones are there, all are.
pub async fn settled(world: &World) -> State {
    marks(world, 1).await;
    let notifications = notifications(world, 3).await;
    State { records: records(world).await, writes: Trail(&world.admin).writes().await, notifications }
}

/// Nothing was written since but what this writes itself.
pub async fn is_unchanged(world: &World, before: &State) {
    for (before, after) in before.records.iter().zip(records(world).await) {
        assert_eq!(*before, after);
    }
    marks(world, 2).await;
    notifications(world, before.notifications + 1).await;
    assert_eq!(Trail(&world.admin).writes().await, before.writes + 3, "the audit knows of other writes");
}

async fn records(world: &World) -> Vec<Value> {
    let mut records = Vec::new();
    for list in LISTS {
        let answer = world.admin.client.get(&format!("/api/v1/{list}?page_size=100")).await;
        records.push(answer.expect(200).body.clone());
    }
    records
}

/// Writes once in each service, and waits until the audit knows of it.
async fn marks(world: &World, number: u64) {
    let World { admin, ann, .. } = world;
    let department = admin.make("/api/v1/departments", &json!({"name": format!("Mark {number}")})).await;
    let at = records::moment(20 + number, 600);
    let booking = records::booking(ann.patient_id(), &world.practitioner_id, at);
    let appointment = admin.make("/api/v1/appointments", &booking).await;
    let account = json!({"email": records::email("mark"), "password": "planted7391-plover-94-lagoon", "roles": ["staff"]});
    let account = admin.make("/api/v1/accounts", &account).await;
    let trail = Trail(admin);
    trail.one("create", "department", &department).await;
    trail.one("create", "appointment", &appointment).await;
    trail.one("create", "account", &account).await;
}

/// Waits for so many messages that were sent; there must not be more.
async fn notifications(world: &World, count: i64) -> i64 {
    let sent = until(&format!("{count} messages"), PATIENCE, async || {
        let list = world.admin.client.get("/api/v1/notifications?status=sent&channel=email").await;
        let sent = list.expect(200)["count"].as_i64().unwrap();
        (sent >= count).then_some(sent)
    })
    .await;
    let all = world.admin.client.get("/api/v1/notifications?channel=email").await;
    assert_eq!((sent, &all["count"]), (count, &json!(count)));
    count
}
