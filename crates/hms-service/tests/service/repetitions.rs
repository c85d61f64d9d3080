//! A request with an `Idempotency-Key` that is sent again: one effect, and the first answer.

use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;
use hms_db::{Backend, Db};
use hms_model::role::Role;
use hms_testkit::{Answer, Client, TestService, until};
use serde_json::json;

use crate::common::{AND_YET, Scribe, refuse};

type App = TestService<Scribe>;

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(app: &App, of: &'static str) -> i64 {
    let counted = move |db: &mut Db| {
        let count: Count = diesel::sql_query(format!("SELECT count(*) AS count FROM {of}")).get_result(db)?;
        Ok::<_, hms_db::Error>(count.count)
    };
    app.database.read(counted).await.unwrap()
}

async fn ask(client: &Client, key: &str, name: &str) -> Answer {
    client.post_with("/api/v1/audit/effects", &json!({ "name": name }), &[("Idempotency-Key", key)]).await
}

/// The answer, with the header that tells it from the first.
fn is_again(again: &Answer, first: &Answer) {
    let told = |answer: &Answer| {
        let headers = ["etag", "location", "content-type"].map(|name| answer.header(name).to_owned());
        (answer.status, answer.body.clone(), headers)
    };
    assert_eq!(told(again.expect(200)), told(first.expect(200)));
    assert_eq!(again.header("idempotent-replayed"), "true");
}

async fn rename(app: &App, table: &'static str, name: &'static str) {
    let change = move |db: &mut Db| {
        diesel::sql_query(format!("ALTER TABLE {table} RENAME TO {name}")).execute(db)?;
        Ok::<_, hms_db::Error>(())
    };
    app.database.write(change).await.unwrap();
}

hms_testkit::on_both_back_ends! {
    async fn a_repetition_has_no_effect_whether_it_would_succeed_or_be_refused(backend) {
        let app = App::start(backend).await;
        let client = app.client(&[Role::Nurse]);
        let first = ask(&client, "k-1", "a").await;
        first.expect(200);
        for reason in [None, Some("full"), Some(AND_YET)] {
            refuse(&app, reason).await;
            is_again(&ask(&client, "k-1", "a").await, &first);
            ask(&client, "k-1", "b").await.expect_problem(422, "IDEMPOTENCY_MISMATCH");
            assert_eq!(count(&app, "effects").await, 1, "{reason:?}");
        }
        assert_eq!(count(&app, "idempotency_keys").await, 1);
        // Another one's key is another key.
        refuse(&app, None).await;
        let other = ask(&app.client(&[Role::Nurse]), "k-1", "a").await;
        assert_ne!(other.expect(200).body, first.body);
        app.stop().await;
    }

    async fn a_refusal_leaves_the_key_to_the_next_attempt(backend) {
        let app = App::start(backend).await;
        let client = app.client(&[Role::Nurse]);
        for (reason, effects) in [("full", 0), (AND_YET, 1)] {
            refuse(&app, Some(reason)).await;
            ask(&client, reason, "a").await.expect_problem(409, "DUPLICATE");
            assert_eq!((count(&app, "effects").await, count(&app, "idempotency_keys").await), (effects, 0));
        }
        refuse(&app, None).await;
        for reason in ["full", AND_YET] {
            let first = ask(&client, reason, "a").await;
            is_again(&ask(&client, reason, "a").await, &first);
        }
        assert_eq!((count(&app, "effects").await, count(&app, "idempotency_keys").await), (3, 2));
        app.stop().await;
    }

    /// That the slot is taken must not be said to whoever has taken it.
    async fn a_refusal_is_not_told_where_it_cannot_be_seen_whether_there_is_an_answer(backend) {
        let app = App::start(backend).await;
        let client = app.client(&[Role::Nurse]);
        let first = ask(&client, "k-1", "a").await;
        first.expect(200);
        refuse(&app, Some("full")).await;
        rename(&app, "idempotency_keys", "gone").await;
        ask(&client, "k-1", "a").await.expect_problem(500, "INTERNAL");
        rename(&app, "gone", "idempotency_keys").await;
        is_again(&ask(&client, "k-1", "a").await, &first);
        app.stop().await;
    }

    /// Two processes do the same at the same time: the second waits for the first one's end.
    async fn whoever_comes_while_another_process_does_it_gets_its_answer(backend) {
        for commits in [true, false] {
            let app = App::start(backend).await;
            let client = app.client(&[Role::Nurse]);
            let first = ask(&client, "k-1", "a").await;
            first.expect(200);
            // The other process has done it, and has not committed yet.
            let (taken, mut is_taken) = tokio::sync::mpsc::unbounded_channel();
            let (release, released) = std::sync::mpsc::channel::<()>();
            let other = app.database.clone();
            let other = tokio::spawn(async move {
                let unit = move |db: &mut Db| {
                    diesel::sql_query("UPDATE idempotency_keys SET idempotency_key = 'k-2'").execute(db)?;
                    taken.send(()).unwrap();
                    released.recv().unwrap();
                    if commits { Ok(()) } else { Err(hms_db::Error::Busy) }
                };
                other.write(unit).await
            });
            is_taken.recv().await.unwrap();
            let mut waits = std::pin::pin!(ask(&client, "k-2", "a"));
            tokio::select! {
                _ = &mut waits => panic!("it did not wait"),
                () = is_waiting(&app, backend) => {}
            }
            release.send(()).unwrap();
            assert_eq!(other.await.unwrap().is_ok(), commits);
            let second = waits.await;
            if commits {
                is_again(&second, &first);
            } else {
                assert_ne!(second.expect(200).body, first.body);
            }
            assert_eq!(count(&app, "effects").await, if commits { 1 } else { 2 });
            app.stop().await;
        }
    }
}

/// Returns when a unit of work waits for another one.
async fn is_waiting(app: &App, backend: Backend) {
    let waits = "pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    until("somebody who waits", 30, async || {
        let waiting = match backend {
            Backend::Postgres => count(app, waits).await > 0,
            Backend::Sqlite => app.database.status().waiting > 0,
        };
        waiting.then_some(())
    })
    .await;
}
