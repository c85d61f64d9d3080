//! What somebody does to the database who can switch its guard off is found by `hms audit verify`.

use hms_audit::chain::{Kind, PublicKey};
use hms_model::role::Role;
use hms_testkit::on_both_back_ends;

use crate::common::{App, entries, key, sql, tamper, ten_entries, verify};

/// What is done, the statements, what it is called, the first entry that is wrong.
type Case = (&'static str, &'static str, Kind, i64);

const CASES: [Case; 17] = [
    ("a text", "UPDATE entries SET entry = replace(entry, 'patient', 'nobody') WHERE seq = 6", Kind::Edit, 6),
    ("a text that is none", "UPDATE entries SET entry = 'x' WHERE seq = 6", Kind::Edit, 6),
    ("a hash", "UPDATE entries SET hash = prev_hash WHERE seq = 6", Kind::Edit, 6),
    ("what it is found by", "UPDATE entries SET resource = 'nobody' WHERE seq = 6", Kind::Edit, 6),
    ("when it was", "UPDATE entries SET at = '2001-01-01T00:00:00.000000Z' WHERE seq = 6", Kind::Edit, 6),
    ("the id it is found by", "UPDATE entries SET id = '00000000-0000-7000-8000-000000000000' WHERE seq = 6", Kind::Edit, 6),
    ("whom it is found by", "DELETE FROM entry_patients WHERE seq = 3", Kind::Edit, 3),
    ("how it is found", "UPDATE entry_patients SET action = 'update' WHERE seq = 3", Kind::Edit, 3),
    ("one entry out", "DELETE FROM entries WHERE seq = 6", Kind::Deletion, 6),
    (
        "one entry out, and the numbers closed up",
        "DELETE FROM entries WHERE seq = 6; UPDATE entries SET seq = seq - 1 WHERE seq = 7;
         UPDATE entries SET seq = seq - 1 WHERE seq = 8; UPDATE entries SET seq = seq - 1 WHERE seq = 9;
         UPDATE entries SET seq = seq - 1 WHERE seq = 10",
        Kind::Deletion,
        6,
    ),
    (
        "the beginning out, as if it were pruned",
        "INSERT INTO prunings (seq, at) VALUES (5, '2026-03-02T08:00:00.000000Z');
         DELETE FROM entry_patients WHERE seq <= 5; DELETE FROM entries WHERE seq <= 5",
        Kind::Deletion,
        1,
    ),
    (
        "two in another order",
        "UPDATE entries SET seq = 60 WHERE seq = 6; UPDATE entries SET seq = 6 WHERE seq = 9;
         UPDATE entries SET seq = 9 WHERE seq = 60",
        Kind::Reorder,
        6,
    ),
    (
        "one put in between",
        "UPDATE entries SET seq = seq + 100 WHERE seq > 6; UPDATE entries SET seq = seq - 99 WHERE seq > 6;
         INSERT INTO entries (seq, prev_hash, hash, entry, id, at, service, actor_id, action, resource, resource_id, outcome)
         SELECT 7, hash, hash, entry, '00000000-0000-7000-8000-000000000000', at, service, actor_id, action, resource, resource_id, outcome
         FROM entries WHERE seq = 6",
        Kind::Insertion,
        7,
    ),
    ("the end out", "DELETE FROM entries WHERE seq > 9", Kind::Truncation, 10),
    ("signed entries out", "DELETE FROM entries WHERE seq > 6", Kind::Truncation, 7),
    (
        "all that came after a checkpoint out",
        "DELETE FROM entries WHERE seq > 5; DELETE FROM checkpoints WHERE seq > 5",
        Kind::Truncation,
        6,
    ),
    (
        "a signature",
        "UPDATE checkpoints SET signature = (SELECT max(signature) FROM checkpoints)
         WHERE signature <> (SELECT max(signature) FROM checkpoints)",
        Kind::BadSignature,
        0,
    ),
];

on_both_back_ends! {
    async fn each_kind_is_found_and_named(backend) {
        for (case, statements, kind, seq) in CASES {
            let app = App::start(backend).await;
            ten_entries(&app).await;
            let trusted = key(&app.client(&[Role::Admin])).await;
            let before = verify(&app.database, Some(trusted.clone())).await;
            assert_eq!((before.finding, before.entries, before.uncovered), (None, 10, 2));

            tamper(&app.database, statements).await;
            let finding = verify(&app.database, Some(trusted)).await.finding;
            let finding = finding.unwrap_or_else(|| panic!("{case}: not found"));
            assert_eq!(finding.kind, kind, "{case}: {finding}");
            // Which of the two signatures it was is chance.
            assert!(finding.seq == seq || kind == Kind::BadSignature, "{case}: {finding}");
            app.stop().await;
        }
    }

    /// All of it made new by somebody who has the database but not the key kept elsewhere.
    async fn another_key_is_not_trusted(backend) {
        let (app, other) = (App::start(backend).await, App::start(backend).await);
        ten_entries(&app).await;
        ten_entries(&other).await;
        let mine: Vec<PublicKey> = key(&app.client(&[Role::Admin])).await;
        assert_eq!(verify(&other.database, None).await.finding, None, "by its own key");
        let finding = verify(&other.database, Some(mine)).await.finding.unwrap();
        assert_eq!((finding.kind, finding.seq), (Kind::UnknownKey, 5));
        app.stop().await;
        other.stop().await;
    }

    /// Through the very path that pruning takes, but with no statement that was signed.
    async fn a_pruning_that_the_service_did_not_do_is_found(backend) {
        let app = App::start(backend).await;
        ten_entries(&app).await;
        let prune = "INSERT INTO prunings (seq, at) VALUES (8, '2026-03-02T08:00:00Z');
            DELETE FROM entry_patients WHERE seq <= 8; DELETE FROM entries WHERE seq <= 8;
            DELETE FROM checkpoints WHERE number = 1";
        sql(&app.database, prune).await.unwrap();
        assert_eq!(entries(&app.database).await, 2, "the guard lets it pass");
        let finding = verify(&app.database, None).await.finding.unwrap();
        assert_eq!((finding.kind, finding.seq), (Kind::Deletion, 1), "{finding}");
        app.stop().await;
    }
}
