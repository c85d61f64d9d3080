//! `kill -9` in the middle of bookings.

use std::collections::HashSet;
use std::fs;
use std::sync::Mutex;

use chrono::TimeDelta;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hms_tests::{Answer, PATIENCE, Person, Platform, Trail, records, until};
use serde_json::Value;

const BOOKERS: i64 = 8;
/// After so many answers the process is killed.
const ENOUGH: usize = 40;

/// What was acknowledged is there, once, with its entry in the audit and its mail; a request whose answer was lost is
/// sent again with its key, and is done once as well.
pub async fn what_was_acknowledged_survives(mut platform: Platform) {
    let admin = platform.admin().await;
    let patient_id = admin.make("/api/v1/patients", &records::patient("Ann", "Andersson")).await;
    let practitioner_id = admin.make("/api/v1/practitioners", &records::practitioner("Mia", "Chen")).await;
    let first =
        admin.book(&records::booking(&patient_id, &practitioner_id, records::moment(3, 0))).await.text("id");
    let (acknowledged, unanswered) =
        book_until_killed(&mut platform, &admin, &patient_id, &practitioner_id).await;
    assert!(acknowledged.len() >= ENOUGH);
    assert!(!unanswered.is_empty(), "nothing was under way when it was killed");

    platform.launch().await;
    let admin = platform.admin().await;
    for (key, answer) in &acknowledged {
        let id = answer["id"].as_str().unwrap();
        let found = admin.client.get(&format!("/api/v1/appointments/{id}")).await;
        assert_eq!(found.expect(200).body, *answer);
        let again = post(&admin, key, &patient_id, &practitioner_id).await.expect("an answer");
        assert_eq!((again.status, &again.body), (201, answer), "the same key gives the same answer");
    }
    let mut ids: HashSet<String> = HashSet::from([first]);
    ids.extend(acknowledged.iter().map(|(_, answer)| answer["id"].as_str().unwrap().to_owned()));
    for key in &unanswered {
        let answer = post(&admin, key, &patient_id, &practitioner_id).await.expect("an answer");
        ids.insert(answer.expect(201).text("id"));
    }
    // Whatever is on its way comes before this one.
    let last = records::booking(&patient_id, &practitioner_id, records::moment(60, 0));
    ids.insert(admin.make("/api/v1/appointments", &last).await);
    let list = admin.client.get(&format!("/api/v1/appointments?patient_id={patient_id}")).await;
    assert_eq!(list.expect(200)["count"], ids.len(), "a booking was made twice, or lost");
    each_left_its_traces_once(&platform, &admin, &ids).await;
}

/// For how many seconds a message is its sender's, which may have been killed with it.
const LEASE: u64 = 60;

async fn each_left_its_traces_once(platform: &Platform, admin: &Person, ids: &HashSet<String>) {
    for id in ids {
        Trail(admin).one("create", "appointment", id).await;
    }
    let sent = until("all mails", LEASE + PATIENCE, async || {
        let list = admin.client.get("/api/v1/notifications?status=sent&channel=email").await;
        let count = list.expect(200)["count"].as_u64().unwrap();
        (count >= ids.len() as u64).then_some(count)
    })
    .await;
    let all = admin.client.get("/api/v1/notifications?channel=email").await;
    assert_eq!((sent, all["count"].as_u64()), (ids.len() as u64, Some(ids.len() as u64)));
    let files = fs::read_dir(platform.data().join("outgoing")).unwrap().map(|file| file.unwrap().file_name());
    let mails = files.filter(|name| name.to_string_lossy().ends_with(".eml"));
    assert_eq!(mails.count(), ids.len());
}

/// Books slot after slot from several sides at once; gives the answers by key, and the keys without one.
async fn book_until_killed(
    platform: &mut Platform,
    admin: &Person,
    patient_id: &str,
    practitioner_id: &str,
) -> (Vec<(String, Value)>, Vec<String>) {
    let (answered, unanswered) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let book = async |booker: i64| {
        for slot in 0.. {
            let key = (slot * BOOKERS + booker).to_string();
            // Noted before it is sent: that it was under way is all that is known of it.
            unanswered.lock().unwrap().push(key.clone());
            let Some(answer) = post(admin, &key, patient_id, practitioner_id).await else { return };
            answer.expect(201);
            unanswered.lock().unwrap().retain(|other| *other != key);
            answered.lock().unwrap().push((key, answer.body));
        }
    };
    let mut booking: FuturesUnordered<_> = (0..BOOKERS).map(book).collect();
    let enough =
        until("enough bookings", PATIENCE, async || (answered.lock().unwrap().len() >= ENOUGH).then_some(()));
    tokio::select! {
        () = enough => {}
        _ = booking.next() => panic!("a booking failed before anything was killed"),
    }
    platform.kill();
    while booking.next().await.is_some() {}
    drop(booking);
    (answered.into_inner().unwrap(), unanswered.into_inner().unwrap())
}

/// Books the slot that belongs to the key; nothing where no answer came back.
async fn post(admin: &Person, key: &str, patient_id: &str, practitioner_id: &str) -> Option<Answer> {
    let slot: i64 = key.parse().unwrap();
    let start = records::moment(7, 0) + TimeDelta::minutes(30 * slot);
    let body = serde_json::to_vec(&records::booking(patient_id, practitioner_id, start)).unwrap();
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    admin.client.try_request("POST", "/api/v1/appointments", &headers, Some(body)).await.ok()
}
