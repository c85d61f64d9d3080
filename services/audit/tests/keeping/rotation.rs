//! The key that signs is replaced by command.

use chrono::TimeDelta;
use futures_util::future::join_all;
use hms_model::event::AuditCheckpoint;
use hms_model::role::Role;
use hms_testkit::{Client, on_both_back_ends};
use serde_json::{Value, json};

use crate::common::{App, key, numbers, record, ten_entries, verify, verify_file};

const ROTATE: &str = "/api/v1/audit/keys/rotate";

async fn shown(admin: &Client) -> Vec<Value> {
    let answer = admin.get("/api/v1/audit/keys").await;
    answer.expect(200)["keys"].as_array().unwrap().clone()
}

on_both_back_ends! {
    async fn who_kept_the_first_key_checks_what_all_later_ones_sign(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        ten_entries(&app).await;
        let first = key(&admin).await;
        let new = admin.post(ROTATE, &json!({})).await;
        assert_eq!(new.expect(200)["active"], true);
        record(&app, 2).await;
        app.clock.advance(TimeDelta::minutes(1));
        record(&app, 1).await;

        let keys = shown(&admin).await;
        assert_eq!(keys.iter().map(|key| key["active"].clone()).collect::<Vec<_>>(), [json!(false), json!(true)]);
        assert_eq!((&keys[0]["id"], &keys[1]["id"]), (&json!(first[0].id()), &new["id"]));
        let published = app.published_of::<AuditCheckpoint>().await;
        let by: Vec<_> = published.iter().map(|signed| signed.key.as_str()).collect();
        let second = new.text("id");
        // After the fifth and the eighth, at the rotation, and a minute after what came then.
        assert_eq!(by, [first[0].id(), first[0].id(), first[0].id(), second.as_str()]);
        let statement: Value = serde_json::from_str(&published[2].statement).unwrap();
        assert_eq!(statement["next_key"], new["public_key"]);

        let report = verify(&app.database, Some(first.clone())).await;
        assert_eq!((report.finding, report.checkpoints, report.uncovered), (None, 4, 0));
        let export = admin.get("/api/v1/audit/export").await;
        let export = verify_file(export.expect(200).body.as_str().unwrap(), Some(first));
        assert_eq!((export.finding, export.checkpoints), (None, 4));
        app.stop().await;
    }

    async fn the_private_half_of_a_replaced_key_is_gone(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let first = key(&admin).await;
        // Of a chain that has no entry yet, and by several at once: each follows on the one before.
        let answers = join_all((0..4).map(|_| async { admin.post(ROTATE, &json!({})).await })).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        let left = "SELECT count(*) AS n FROM checkpoint_keys WHERE pkcs8 <> ''";
        assert_eq!(numbers(&app.database, left).await, [1]);
        let keys = shown(&admin).await;
        assert_eq!((keys.len(), keys.iter().filter(|key| key["active"] == true).count()), (5, 1));
        record(&app, 3).await;
        assert_eq!(verify(&app.database, Some(first)).await.finding, None);
        app.stop().await;
    }

    async fn admins_alone_replace_it_and_a_repeated_request_does_so_once(backend) {
        let app = App::start(backend).await;
        for role in [Role::Doctor, Role::Accountant, Role::Staff, Role::Patient] {
            app.client(&[role]).post(ROTATE, &json!({})).await.expect_problem(403, "FORBIDDEN");
        }
        let admin = app.client(&[Role::Admin]);
        let headers = [("idempotency-key", "rotate-once")];
        let one = admin.post_with(ROTATE, &json!({}), &headers).await;
        let again = admin.post_with(ROTATE, &json!({}), &headers).await;
        assert_eq!((&one.expect(200).body, again.expect(200).status), (&again.body, 200));
        assert_eq!(shown(&admin).await.len(), 2);
        app.stop().await;
    }
}
