//! What happens when many want the same at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use std::collections::HashMap;

use futures_util::future::join_all;
use hms_tests::{Answer, Person, Platform, on_both_kinds, records};
use serde_json::json;

on_both_kinds! {
    async fn of_many_who_want_one_slot_one_gets_it(kind) {
        let platform = Platform::start(kind).await;
        let admin = platform.admin().await;
        let (patient_id, practitioner_id) = known(&admin).await;
        let body = records::booking(&patient_id, &practitioner_id, records::moment(7, 600));
        let answers = at_once(200, async || admin.client.post("/api/v1/appointments", &body).await).await;
        let expected = HashMap::from([("201 ".to_owned(), 1), ("409 SLOT_TAKEN".to_owned(), 199)]);
        assert_eq!(tally(&answers), expected);
        let list = admin.client.get(&format!("/api/v1/appointments?patient_id={patient_id}&status=booked")).await;
        assert_eq!(list.expect(200)["count"], 1);
        for answer in answers.iter().filter(|answer| answer.status == 409) {
            answer.expect_problem(409, "SLOT_TAKEN");
        }
    }

    async fn a_request_that_is_repeated_at_once_is_done_once(kind) {
        let platform = Platform::start(kind).await;
        let admin = platform.admin().await;
        let family_name = records::unique();
        let body = records::patient("Ida", &family_name);
        let key = [("idempotency-key", "register-ida")];
        let post = async || admin.client.post_with("/api/v1/patients", &body, &key).await;
        let answers = at_once(50, post).await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert!(!made.is_empty(), "{:?}", tally(&answers));
        assert!(made.iter().all(|answer| answer.body == made[0].body), "the answers differ");
        assert_eq!(made.iter().filter(|answer| answer.header("idempotent-replayed") != "true").count(), 1);
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            refused.expect_problem(409, "IDEMPOTENCY_IN_FLIGHT");
            assert!(!refused.header("retry-after").is_empty());
        }
        let late = post().await;
        assert_eq!(late.expect(201).body, made[0].body);
        let list = admin.client.get(&format!("/api/v1/patients?search={family_name}")).await;
        assert_eq!(list.expect(200)["count"], 1);
        let other = records::patient("Ida", "Somebody Else");
        let mismatch = admin.client.post_with("/api/v1/patients", &other, &key).await;
        mismatch.expect_problem(422, "IDEMPOTENCY_MISMATCH");
    }
}

/// A patient and a practitioner whom the appointment service knows of.
async fn known(admin: &Person) -> (String, String) {
    let patient_id = admin.make("/api/v1/patients", &records::patient("Ann", "Andersson")).await;
    let practitioner_id = admin.make("/api/v1/practitioners", &records::practitioner("Mia", "Chen")).await;
    let first = admin.book(&records::booking(&patient_id, &practitioner_id, records::moment(3, 0))).await;
    let path = format!("/api/v1/appointments/{}/cancel", first.text("id"));
    admin.client.post(&path, &json!({"reason": "it only showed that both are known"})).await.expect(200);
    (patient_id, practitioner_id)
}

async fn at_once(count: usize, request: impl AsyncFn() -> Answer) -> Vec<Answer> {
    join_all((0..count).map(|_| request())).await
}

fn tally(answers: &[Answer]) -> HashMap<String, usize> {
    let mut tally = HashMap::new();
    for answer in answers {
        *tally.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
    }
    tally
}
