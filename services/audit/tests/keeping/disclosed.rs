//! Looks that were made durable together come as one event, and are entries like all others.

use hms_model::audit::AuditEntry;
use hms_model::event::AuditDisclosed;
use hms_model::id::Id;
use hms_testkit::on_both_back_ends;

use crate::common::{App, entries, entry, numbers, verify};

fn looks(app: &App, count: usize) -> Vec<AuditEntry> {
    (0..count).map(|_| entry(&app.clock, &[Id::new(app.clock.now())])).collect()
}

on_both_back_ends! {
    async fn each_look_of_an_event_is_an_entry(backend) {
        let app = App::start(backend).await;
        app.deliver(&AuditDisclosed { entries: looks(&app, 3) }).await;
        app.deliver(&AuditDisclosed { entries: Vec::new() }).await;
        assert_eq!(entries(&app.database).await, 3);
        assert_eq!(numbers(&app.database, "SELECT count(*) AS n FROM entry_patients").await, [3]);
        assert_eq!(verify(&app.database, None).await.finding, None);
        app.stop().await;
    }

    async fn of_an_old_event_only_what_is_not_known_yet_is_taken(backend) {
        let app = App::start(backend).await;
        let all = looks(&app, 4);
        app.deliver(&AuditDisclosed { entries: all[1..3].to_vec() }).await;
        app.deliver(&AuditDisclosed { entries: all }).await;
        assert_eq!(entries(&app.database).await, 4);
        assert_eq!(verify(&app.database, None).await.finding, None);
        app.stop().await;
    }
}
