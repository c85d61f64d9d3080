//! The waitlist: a time that became free goes to one person, whoever of the processes offers it and wherever it is
//! answered.

use std::collections::HashSet;

use hms_tests::{PATIENCE, records, until};
use serde_json::json;

use crate::{APPOINTMENTS, MANY, Scene, tally, times, with};

const WAITLIST: &str = "/api/v1/waitlist";
/// So many times are called off, and so many people wait.
const TIMES: usize = 10;
const PEOPLE: usize = 14;

pub async fn times_called_off_go_to_one_person_each_and_are_booked_once(scene: &Scene) {
    let body = scene.booking().await;
    let mut booked = Vec::new();
    for number in 0..TIMES {
        let start = records::moment(8, i64::try_from(number).unwrap() * 30);
        booked.push(scene.admin.make(APPOINTMENTS, &with(&body, times(start))).await);
    }
    let at = |minutes| records::rfc3339(records::moment(8, minutes));
    let wish = json!({
        "patient_id": scene.patient_id, "practitioner_id": body["practitioner_id"], "start": at(0), "end": at(600),
    });
    let mut waiting = Vec::new();
    for _ in 0..PEOPLE {
        waiting.push(scene.admin.make(WAITLIST, &wish).await);
    }
    let reason = json!({"reason": "travelling"});
    let cancel = async |client: hms_tests::Client, number: usize| {
        client.post(&format!("{APPOINTMENTS}/{}/cancel", booked[number]), &reason).await
    };
    let cancelled = scene.at_once(TIMES, cancel).await;
    assert!(cancelled.iter().all(|answer| answer.status == 200), "{:?}", tally(&cancelled));
    let offered = until("an offer for each time", PATIENCE, async || {
        let page = scene.admin.client.get(&format!("{WAITLIST}?status=offered&page_size=100")).await;
        Some(page).filter(|page| page.expect(200).results().len() == TIMES)
    })
    .await;
    let starts: HashSet<_> =
        offered.results().iter().map(|entry| entry["offer"]["start"].to_string()).collect();
    assert_eq!(starts.len(), TIMES, "no time was offered twice");
    let first: HashSet<_> = waiting.iter().take(TIMES).map(String::as_str).collect();
    let served: HashSet<_> = offered.results().iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(served, first, "those who wait longest");

    // Each answers many times, at all processes at once; and a stranger goes for the times that are kept.
    let answer = async |client: hms_tests::Client, number: usize| {
        let id = &waiting[number % TIMES];
        match number % 4 {
            0 => {
                client
                    .post(APPOINTMENTS, &with(&body, times(records::moment(8, (number % TIMES) as i64 * 30))))
                    .await
            }
            _ => client.request("POST", &format!("{WAITLIST}/{id}/accept"), &[], None).await,
        }
    };
    let answers = scene.at_once(MANY, answer).await;
    assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 409)), "{:?}", tally(&answers));
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), TIMES, "{:?}", tally(&answers));
    let slots = scene.booked(&body).await;
    assert_eq!(slots.len(), TIMES);
    assert!(slots.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{slots:?}");
}
