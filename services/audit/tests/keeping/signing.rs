//! Checkpoints: after a thousand entries, or within a minute.

use chrono::TimeDelta;
use hms_audit::chain::SignedCheckpoint;
use hms_model::event::AuditCheckpoint;
use hms_model::role::Role;
use hms_testkit::{on_both_back_ends, until};
use serde_json::{Value, json};

use crate::common::{App, key, record, signed, verify};

on_both_back_ends! {
    async fn every_thousandth_entry_is_signed_with_it(backend) {
        let app = App::start(backend).await;
        // All of one moment.
        for _ in 0..999 {
            app.deliver(&hms_model::event::AuditRecorded(crate::common::entry(&app.clock, &[]))).await;
        }
        assert_eq!(signed(&app.database).await, [0_i64; 0]);
        record(&app, 1).await;
        assert_eq!(signed(&app.database).await, [1_000]);
        assert_eq!(verify(&app.database, None).await.uncovered, 0);
        app.stop().await;
    }

    async fn what_waits_for_a_minute_is_signed(backend) {
        let app = App::start(backend).await;
        record(&app, 3).await;
        let report = verify(&app.database, None).await;
        assert_eq!((report.finding, report.uncovered), (None, 3));

        // By the entry that comes then …
        app.clock.advance(TimeDelta::minutes(1));
        record(&app, 1).await;
        assert_eq!(signed(&app.database).await, [4]);
        record(&app, 2).await;
        assert_eq!(signed(&app.database).await, [4]);
        // … or by nobody's doing, when none comes.
        app.clock.advance(TimeDelta::minutes(1));
        until("a checkpoint", 30, async || (signed(&app.database).await == [4, 6]).then_some(())).await;
        app.clock.advance(TimeDelta::hours(1));
        record(&app, 1).await;
        assert_eq!(signed(&app.database).await, [4, 6], "nothing new, nothing to sign");
        assert_eq!(verify(&app.database, None).await.checkpoints, 2);
        app.stop().await;
    }

    async fn each_checkpoint_is_published_as_it_was_signed(backend) {
        let app = App::start(backend).await;
        record(&app, 3).await;
        app.clock.advance(TimeDelta::minutes(1));
        record(&app, 1).await;
        record(&app, 2).await;
        app.clock.advance(TimeDelta::minutes(1));
        let published = until("what nobody came after", 30, async || {
            let published = app.published_of::<AuditCheckpoint>().await;
            (published.len() == 2).then_some(published)
        });
        let published = published.await;
        let places: Vec<_> = published.iter().map(|signed| (signed.number, signed.position)).collect();
        assert_eq!(places, [(1, 4), (2, 6)]);
        let keys = key(&app.client(&[Role::Admin])).await;
        for (published, kept) in published.iter().zip(statements(&app).await) {
            let (statement, signature) = (published.statement.clone(), published.signature.clone());
            assert_eq!(serde_json::from_str::<Value>(&statement).unwrap(), kept);
            assert_eq!(
                json!([published.position, published.hash, published.key]),
                json!([kept["seq"], kept["hash"], kept["key"]])
            );
            assert!(keys[0].verifies(&SignedCheckpoint { statement, signature }));
            assert_eq!(published.key, keys[0].id());
        }
        app.stop().await;
    }

    async fn the_public_key_is_shown_and_stays(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let answer = admin.get("/api/v1/audit/keys").await;
        let shown = &answer.expect(200)["keys"][0];
        let keys = key(&admin).await;
        let expected = json!({
            "id": keys[0].id(), "algorithm": "Ed25519", "public_key": keys[0].base64(), "active": true,
            "created_at": "2026-03-02T08:00:00Z",
        });
        assert_eq!((shown, keys.len()), (&expected, 1));
        assert!(!answer.body.to_string().contains("pkcs8"), "{}", answer.body);

        record(&app, 1).await;
        app.clock.advance(TimeDelta::minutes(1));
        record(&app, 1).await;
        let statement: Vec<Value> = statements(&app).await;
        assert_eq!(statement[0]["key"], keys[0].id());
        for role in [Role::Patient, Role::Service, Role::Device] {
            app.client(&[role]).get("/api/v1/audit/keys").await.expect_problem(403, "FORBIDDEN");
        }
        app.anonymous().get("/api/v1/audit/keys").await.expect_problem(401, "UNAUTHENTICATED");
        app.stop().await;
    }
}

async fn statements(app: &App) -> Vec<Value> {
    let admin = app.client(&[Role::Admin]);
    let export = admin.get("/api/v1/audit/export").await;
    let text = export.expect(200).body.as_str().unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == "checkpoint").map(|line| line["statement"].clone()).collect()
}
