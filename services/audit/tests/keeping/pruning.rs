//! What is older than the retention goes, and the rest can still be checked.

use chrono::TimeDelta;
use hms_audit::chain::Kind;
use hms_model::role::Role;
use hms_testkit::{on_both_back_ends, until};

use crate::common::{
    App, entries, key, numbers, record, signed, sql, tamper, ten_entries, verify, verify_file,
};

const RETENTION: [(&str, &str); 1] = [("AUDIT_RETENTION", "30d")];

on_both_back_ends! {
    async fn what_is_too_old_goes_and_the_rest_can_be_checked(backend) {
        let app = App::start_with(backend, &RETENTION).await;
        ten_entries(&app).await;
        app.clock.advance(TimeDelta::days(20));
        record(&app, 3).await;
        assert_eq!(signed(&app.database).await, [5, 8, 11], "the eleventh came after a long time");
        app.clock.advance(TimeDelta::days(11));
        until("the pruning", 30, async || (entries(&app.database).await == 5).then_some(())).await;

        // The eight that were signed more than 30 days ago are gone, with what signed them; a new checkpoint tells.
        let admin = app.client(&[Role::Admin]);
        let trusted = key(&admin).await;
        let report = verify(&app.database, Some(trusted.clone())).await;
        assert_eq!((report.finding, report.anchor.seq, report.entries), (None, 8, 5));
        let left = signed(&app.database).await;
        assert_eq!((left[0], *left.last().unwrap()), (11, 13), "{left:?}");
        assert_eq!(numbers(&app.database, "SELECT count(*) AS n FROM entry_patients").await, [0]);
        let export = admin.get("/api/v1/audit/export").await;
        let export = verify_file(export.expect(200).body.as_str().unwrap(), Some(trusted.clone()));
        assert_eq!((export.finding, export.anchor, export.whole), (None, report.anchor, true));

        // What is left is guarded as before, and the chain goes on.
        assert!(sql(&app.database, "DELETE FROM entries WHERE seq = 9").await.is_err());
        record(&app, 2).await;
        let list = admin.get("/api/v1/audit").await;
        assert_eq!(list.expect(200)["count"], 7);
        tamper(&app.database, "DELETE FROM entries WHERE seq = 9").await;
        let finding = verify(&app.database, Some(trusted)).await.finding.unwrap();
        assert_eq!((finding.kind, finding.seq), (Kind::Deletion, 9));
        app.stop().await;
    }
}
