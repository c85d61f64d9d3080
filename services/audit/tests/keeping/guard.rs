//! The tables refuse what nobody may do.

use hms_db::Backend;
use hms_testkit::on_both_back_ends;

use crate::common::{App, entries, sql, ten_entries, verify};

const REFUSED: [&str; 20] = [
    "UPDATE entries SET resource = 'x'",
    "UPDATE entries SET entry = '{}' WHERE seq = 5",
    "UPDATE entries SET seq = 50 WHERE seq = 10",
    "DELETE FROM entries WHERE seq = 5",
    "DELETE FROM entries",
    "DELETE FROM entry_patients",
    "UPDATE entry_patients SET action = 'update'",
    "UPDATE checkpoints SET at = '2001-01-01T00:00:00Z'",
    "DELETE FROM checkpoints WHERE number = 1",
    "DELETE FROM checkpoints",
    "UPDATE checkpoint_keys SET active = false",
    "UPDATE checkpoint_keys SET pkcs8 = ''",
    "UPDATE checkpoint_keys SET active = false, pkcs8 = '', public_key = 'x'",
    "UPDATE checkpoint_keys SET active = false, pkcs8 = ''; UPDATE checkpoint_keys SET active = true",
    "DELETE FROM checkpoint_keys",
    "INSERT INTO prunings (seq, at) VALUES (7, '2026-03-02T08:00:00Z')",
    "INSERT INTO prunings (seq, at) VALUES (1000, '2026-03-02T08:00:00Z')",
    "INSERT INTO prunings (seq, at) VALUES (5, '2026-03-02T08:00:00Z'); DELETE FROM entry_patients WHERE seq <= 5; DELETE FROM entries WHERE seq <= 6",
    "INSERT INTO prunings (seq, at) VALUES (5, '2026-03-02T08:00:00Z'); UPDATE prunings SET seq = 8",
    "INSERT INTO prunings (seq, at) VALUES (5, '2026-03-02T08:00:00Z'); DELETE FROM prunings",
];

on_both_back_ends! {
    async fn entries_are_only_ever_added(backend) {
        let app = App::start(backend).await;
        ten_entries(&app).await;
        let more: &[&str] = match backend {
            Backend::Postgres => &[
                "TRUNCATE entries CASCADE", "TRUNCATE entry_patients", "TRUNCATE checkpoints", "TRUNCATE prunings",
                "TRUNCATE checkpoint_keys",
            ],
            Backend::Sqlite => &[
                "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 5 UNION ALL SELECT 5, '', '', '', 'x', '', '', NULL, 'read', '', NULL, 'success'",
                "INSERT OR REPLACE INTO checkpoints SELECT number, 1, hash, at, statement, signature FROM checkpoints",
            ],
        };
        for statement in REFUSED.iter().chain(more) {
            assert!(sql(&app.database, statement).await.is_err(), "{statement}");
        }
        assert_eq!(entries(&app.database).await, 10);
        let report = verify(&app.database, None).await;
        assert_eq!((report.finding, report.entries, report.checkpoints), (None, 10, 2));
        app.stop().await;
    }
}
