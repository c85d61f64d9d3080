//! Staying signed in and signing out: `/auth/refresh`, `/auth/logout`.

use chrono::TimeDelta;
use futures_util::future::join_all;
use hms_testkit::{Answer, on_both_back_ends};
use serde_json::json;

use crate::{App, audit, claims, client, hospital, last_act, refresh, register, sign_in};

const REUSED: &str = r#"execute session refused by "admin": refresh token reused, session ended"#;

on_both_back_ends! {
    async fn a_refresh_token_gives_the_next_pair_of_the_same_session(backend) {
        let app = hospital(backend).await;
        let first = sign_in(&app, "admin").await;
        app.clock.advance(TimeDelta::minutes(14));
        let second = refresh(&app, &first.text("refresh")).await;
        second.expect(200);
        assert_eq!(second.header("cache-control"), "no-store");
        assert_ne!(second.text("refresh"), first.text("refresh"));
        assert_eq!(second["account"], first["account"]);
        let (before, after) = (claims(&app, &first).await, claims(&app, &second).await);
        assert_eq!((before.sid, before.sub), (after.sid, after.sub));
        assert_eq!(after.iat - before.iat, 14 * 60);
        refresh(&app, &second.text("refresh")).await.expect(200);
    }

    async fn the_predecessor_is_tolerated_once_for_half_a_minute(backend) {
        let app = hospital(backend).await;
        let first = sign_in(&app, "admin").await.text("refresh");
        // The answer to this one is lost.
        let lost = refresh(&app, &first).await.text("refresh");
        app.clock.advance(TimeDelta::seconds(30));
        let second = refresh(&app, &first).await.expect(200).text("refresh");
        let third = refresh(&app, &second).await.expect(200).text("refresh");
        // Once only: the lost one is a predecessor too, the first one is none any more.
        refresh(&app, &lost).await.expect(200);
        refresh(&app, &first).await.expect_problem(401, "UNAUTHENTICATED");
        assert_eq!(last_act(&app).await, REUSED);
        refresh(&app, &third).await.expect_problem(401, "UNAUTHENTICATED");
    }

    async fn reuse_ends_the_whole_family(backend) {
        let app = hospital(backend).await;
        let other_session = sign_in(&app, "admin").await.text("refresh");
        let stolen = sign_in(&app, "admin").await.text("refresh");
        let current = refresh(&app, &stolen).await.text("refresh");
        app.clock.advance(TimeDelta::seconds(31));
        refresh(&app, &stolen).await.expect_problem(401, "UNAUTHENTICATED");
        assert_eq!(last_act(&app).await, REUSED);
        let told = audit(&app).await.len();
        for token in [&current, &stolen] {
            refresh(&app, token).await.expect_problem(401, "UNAUTHENTICATED");
        }
        assert_eq!(audit(&app).await.len(), told, "said once");
        refresh(&app, &other_session).await.expect(200);
    }

    async fn two_who_refresh_at_once_both_stay_signed_in(backend) {
        let app = hospital(backend).await;
        let token = sign_in(&app, "admin").await.text("refresh");
        let both = join_all([refresh(&app, &token), refresh(&app, &token)]).await;
        let (one, other) = (both[0].expect(200).text("refresh"), both[1].expect(200).text("refresh"));
        assert_ne!(one, other);
        // Whichever the client kept, it goes on.
        app.clock.advance(TimeDelta::minutes(14));
        refresh(&app, &other).await.expect(200);
        // And if somebody else holds the other one, that is found out.
        app.clock.advance(TimeDelta::minutes(14));
        refresh(&app, &one).await.expect_problem(401, "UNAUTHENTICATED");
        assert_eq!(last_act(&app).await, REUSED);
    }

    async fn of_many_who_refresh_at_once_two_are_served_and_the_family_ends(backend) {
        let app = hospital(backend).await;
        let token = sign_in(&app, "admin").await.text("refresh");
        let all = join_all((0..8).map(|_| refresh(&app, &token))).await;
        let (served, refused): (Vec<Answer>, Vec<Answer>) =
            all.into_iter().partition(|answer| answer.status == 200);
        assert_eq!((served.len(), refused.len()), (2, 6));
        for answer in &refused {
            answer.expect_problem(401, "UNAUTHENTICATED");
        }
        for answer in served {
            refresh(&app, &answer.text("refresh")).await.expect(401);
        }
        let reuses = audit(&app).await.into_iter().filter(|entry| {
            entry.detail.as_deref() == Some("refresh token reused, session ended")
        });
        assert_eq!(reuses.count(), 1);
    }

    async fn a_refresh_token_lives_for_thirty_days(backend) {
        let app = hospital(backend).await;
        let token = sign_in(&app, "admin").await.text("refresh");
        app.clock.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
        let next = refresh(&app, &token).await.expect(200).text("refresh");
        app.clock.advance(TimeDelta::days(30));
        refresh(&app, &next).await.expect_problem(401, "TOKEN_EXPIRED");
        refresh(&app, "a-token-that-never-was").await.expect_problem(401, "UNAUTHENTICATED");
    }

    async fn signing_out_ends_this_session_and_no_other(backend) {
        let app = hospital(backend).await;
        let (phone, desk) = (sign_in(&app, "admin").await, sign_in(&app, "admin").await);
        logout(&app, &phone).await.expect(204);
        assert_eq!(last_act(&app).await, r#"delete session success by "admin": "#);
        refresh(&app, &phone.text("refresh")).await.expect_problem(401, "UNAUTHENTICATED");
        refresh(&app, &desk.text("refresh")).await.expect(200);
        // Once more, or with a token that never was: there is nothing left to do.
        let told = audit(&app).await.len();
        logout(&app, &phone).await.expect(204);
        let unknown = json!({"refresh": "a-token-that-never-was"});
        app.anonymous().post("/api/v1/auth/logout", &unknown).await.expect(204);
        assert_eq!(audit(&app).await.len(), told);
    }

    async fn who_is_disabled_is_signed_out_everywhere(backend) {
        let app = hospital(backend).await;
        let ann = register(&app, "ann@example.org").await.expect(201).text("id");
        let tokens = sign_in(&app, "ann@example.org").await;
        let admin = client(&app, "admin").await;
        let path = format!("/api/v1/accounts/{ann}");
        admin.patch(&path, &json!({"status": "disabled"})).await.expect(200);
        refresh(&app, &tokens.text("refresh")).await.expect_problem(401, "UNAUTHENTICATED");
        let holder = app.anonymous().with_token(tokens.text("access"));
        holder.get("/api/v1/auth/me").await.expect_problem(401, "UNAUTHENTICATED");
        // A session that has ended stays so.
        admin.patch(&path, &json!({"status": "active"})).await.expect(200);
        refresh(&app, &tokens.text("refresh")).await.expect_problem(401, "UNAUTHENTICATED");
        sign_in(&app, "ann@example.org").await.expect(200);
    }
}

async fn logout(app: &App, tokens: &Answer) -> Answer {
    app.anonymous().post("/api/v1/auth/logout", &json!({"refresh": tokens.text("refresh")})).await
}
