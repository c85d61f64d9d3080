//! One's own sessions: the list, ending them, and what the gateway is told.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use futures_util::future::join_all;
use hms_db::Db;
use hms_model::event::SessionRevoked;
use hms_testkit::{Client, on_both_back_ends, until};
use serde_json::{Value, json};

use crate::{ADMIN, App, PASSWORD, claims, client, hospital, last_act, refresh, register, sign_in};

const PATH: &str = "/api/v1/auth/sessions";

/// Signs in with this program, from this address.
async fn from(app: &App, agent: &str, address: &str) -> Client {
    let credentials = json!({"username": "admin", "password": PASSWORD});
    let headers = [("User-Agent", agent), ("X-Forwarded-For", address)];
    let tokens = app.anonymous().post_with("/api/v1/auth/login", &credentials, &headers).await;
    app.anonymous().with_token(tokens.expect(200).text("access"))
}

#[derive(QueryableByName)]
struct Revoked {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    sid: String,
}

async fn revoked(app: &App) -> Vec<(i64, String)> {
    let query = "SELECT position, CAST(sid AS TEXT) AS sid FROM revocations ORDER BY position";
    let read = app
        .database
        .read(move |db: &mut Db| Ok::<Vec<Revoked>, hms_db::Error>(diesel::sql_query(query).load(db)?));
    read.await.unwrap().into_iter().map(|row| (row.position, row.sid)).collect()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(app: &App, table: &str) -> i64 {
    let query = format!("SELECT count(*) AS count FROM {table}");
    let read = app
        .database
        .read(move |db: &mut Db| Ok::<Count, hms_db::Error>(diesel::sql_query(query).get_result(db)?));
    read.await.unwrap().count
}

on_both_back_ends! {
    async fn everyone_sees_their_own_sessions_with_device_and_place(backend) {
        let app = hospital(backend).await;
        register(&app, "ann@example.org").await.expect(201);
        client(&app, "ann@example.org").await;
        from(&app, "Firefox 140", "203.0.113.77").await;
        app.clock.advance(TimeDelta::minutes(5));
        let here = from(&app, "hms-cli/1", "2001:db8:12:34::5").await;
        let list = here.get(PATH).await;
        let shown: Vec<Value> = list
            .expect(200)
            .results()
            .iter()
            .map(|s| json!([s["device"], s["network"], s["created_at"], s["last_used_at"], s["current"]]))
            .collect();
        assert_eq!(shown, [
            json!(["hms-cli/1", "2001:db8:12::/48", "2026-03-02T08:05:00Z", "2026-03-02T08:05:00Z", true]),
            json!(["Firefox 140", "203.0.113.0/24", "2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z", false]),
        ]);
        assert_eq!(list["count"], 2);
    }

    async fn a_refresh_is_a_use_of_the_session(backend) {
        let app = hospital(backend).await;
        let tokens = sign_in(&app, "admin").await;
        app.clock.advance(TimeDelta::minutes(14));
        let next = refresh(&app, &tokens.text("refresh")).await;
        let admin = app.anonymous().with_token(next.text("access"));
        let session = admin.get(PATH).await.results()[0].clone();
        assert_eq!((&session["created_at"], &session["last_used_at"]), (&json!("2026-03-02T08:00:00Z"), &json!("2026-03-02T08:14:00Z")));
    }

    async fn one_session_is_ended_and_the_gateway_hears_of_it(backend) {
        let app = hospital(backend).await;
        let (one, other) = (sign_in(&app, "admin").await, sign_in(&app, "admin").await);
        let sid = claims(&app, &other).await.sid;
        let admin = app.anonymous().with_token(one.text("access"));
        register(&app, "ann@example.org").await.expect(201);
        let ann = client(&app, "ann@example.org").await;
        ann.delete(&format!("{PATH}/{sid}")).await.expect_problem(404, "NOT_FOUND");
        admin.delete(&format!("{PATH}/{sid}")).await.expect(204);
        assert_eq!(last_act(&app).await, r#"delete session success by "admin": "#);
        admin.delete(&format!("{PATH}/{sid}")).await.expect_problem(404, "NOT_FOUND");
        refresh(&app, &other.text("refresh")).await.expect(401);
        refresh(&app, &one.text("refresh")).await.expect(200);
        assert_eq!(revoked(&app).await, [(1, sid.to_string())]);
        let told = app.published_of::<SessionRevoked>().await;
        assert_eq!((told.len(), told[0].session_id, told[0].reason.as_str()), (1, sid, "signed out"));
    }

    async fn all_sessions_are_ended_at_once(backend) {
        let app = hospital(backend).await;
        let all = join_all((0..3).map(|_| sign_in(&app, "admin"))).await;
        let admin = app.anonymous().with_token(all[0].text("access"));
        admin.delete(PATH).await.expect(204);
        for tokens in &all {
            refresh(&app, &tokens.text("refresh")).await.expect(401);
        }
        assert_eq!(revoked(&app).await.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [1, 2, 3]);
        // An access token that has expired by itself needs no revocation.
        let late = sign_in(&app, "admin").await;
        app.clock.advance(TimeDelta::minutes(15));
        app.anonymous().post("/api/v1/auth/logout", &json!({"refresh": late.text("refresh")})).await.expect(204);
        assert_eq!(revoked(&app).await.len(), 3);
    }

    async fn many_who_sign_out_at_once_get_positions_without_a_gap(backend) {
        let app = hospital(backend).await;
        let all = join_all((0..8).map(|_| sign_in(&app, "admin"))).await;
        let out = all.iter().map(|tokens| {
            let body = json!({"refresh": tokens.text("refresh")});
            let anonymous = app.anonymous();
            async move { anonymous.post("/api/v1/auth/logout", &body).await.expect(204).status }
        });
        join_all(out).await;
        let positions: Vec<_> = revoked(&app).await.into_iter().map(|(position, _)| position).collect();
        assert_eq!(positions, (1..=8).collect::<Vec<_>>());
    }

    async fn what_has_had_its_time_is_deleted(backend) {
        let settings = [ADMIN[0], ADMIN[1], ("HMS_AUTH_UPKEEP_SECONDS", "1")];
        let app = App::start_real_tokens(backend, &settings).await;
        let tokens = sign_in(&app, "admin").await;
        refresh(&app, &tokens.text("refresh")).await.expect(200);
        register(&app, "ann@example.org").await.expect(201);
        crate::try_password(&app, "nobody", "not-the-right-one").await.expect(401);
        app.clock.advance(TimeDelta::days(29));
        let kept = sign_in(&app, "admin").await;
        app.clock.advance(TimeDelta::days(1));
        until("the end of what is old", 10, async || {
            let mut left = Vec::new();
            for table in ["sessions", "refresh_tokens", "one_time_tokens", "failed_attempts"] {
                left.push(count(&app, table).await);
            }
            (left == [1, 1, 0, 0]).then_some(())
        })
        .await;
        refresh(&app, &kept.text("refresh")).await.expect(200);
        refresh(&app, &tokens.text("refresh")).await.expect_problem(401, "UNAUTHENTICATED");
    }
}
