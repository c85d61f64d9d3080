//! What is urgent does not wait behind what goes to many.

use crate::common::{App, files, outgoing};
use crate::jobs::World;
use chrono::{SecondsFormat, TimeDelta};
use diesel::RunQueryDsl as _;
use hms_model::event::{AccountMailFacts, AccountPasswordResetRequested};
use hms_model::id::Id;
use hms_model::{OneTimeToken, Secret};
use hms_testkit::{on_both_back_ends, until};

/// So many reminders wait.
const WAITING: usize = 3_000;
/// What may go out between the asking and the mail: what is under way at that moment, and one batch that begins meanwhile
/// for each queue of mail, doubled.
const BETWEEN: usize = 64;

/// Reminders that are due, as they stand in the table.
async fn wait(app: &App, count: usize) {
    let now = app.clock.now();
    let rows: Vec<String> = (0..count)
        .map(|number| {
            let ids: [Id<()>; 3] = std::array::from_fn(|_| Id::new(now));
            let facts = serde_json::json!({"practitioner_name": "Dr. Mia Chen", "start": now + TimeDelta::days(1), "end": now + TimeDelta::days(1)});
            let [at, end] = [now, now + TimeDelta::days(1)].map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true));
            format!(
                "('{}', 1, '{}', 'appointment.reminder', 'email', 'pending', '{}', '{facts}', 'Reminder', \
                 'patient{number}@example.org', 'Please come.', 0, '{at}', '{at}', '1440m', 2, '{end}')",
                ids[0], ids[1], ids[2]
            )
        })
        .collect();
    app.database
        .write(move |db| {
            for some in rows.chunks(200) {
                let insert = format!(
                    "INSERT INTO messages (id, version, event_id, kind, channel, status, patient_id, facts, subject, \
                     recipient, body, attempts, due_at, created_at, occasion, lane, expires_at) VALUES {}",
                    some.join(", ")
                );
                diesel::sql_query(insert).execute(db)?;
            }
            Ok::<_, hms_db::Error>(())
        })
        .await
        .unwrap();
}

on_both_back_ends! {
    async fn a_way_to_another_password_goes_before_thousands_of_reminders(backend) {
        let world = World::start(backend, &[]).await;
        let app = &world.app;
        let folder = app.folder.path().join("outgoing");
        wait(app, WAITING).await;
        crate::reminders::look(app).await;
        until("the first reminders", 30, async || (files(&folder).len() > 100).then_some(())).await;
        let now = app.clock.now();
        let facts = AccountMailFacts {
            account_id: Id::new(now),
            version: 1,
            email: "ann@example.org".into(),
            token: OneTimeToken::new(Secret::new("s3cret")),
            expires_at: now + TimeDelta::minutes(30),
            language: None,
        };
        let before = files(&folder).len();
        assert!(before < WAITING, "all are gone already: {before}");
        app.deliver(&AccountPasswordResetRequested(facts)).await;
        let between = until("the mail", 30, async || {
            let after = files(&folder).len();
            let is_there = outgoing(app, ".eml").iter().any(|mail| mail.contains("Choose another password"));
            is_there.then(|| after - before)
        })
        .await;
        println!("{between} mails went out between the asking and the mail, {} wait", WAITING - before);
        assert!(between <= BETWEEN, "{between} mails went out before it");
        world.stop().await;
    }
}
