//! Failed attempts make the next one wait; who comes with their own device, or is signed in, does not.

use chrono::TimeDelta;
use futures_util::future::join_all;
use hms_model::event::AccountLocked;
use hms_testkit::{Answer, on_both_back_ends};
use serde_json::json;

use crate::{App, PASSWORD, audit, hospital, refresh, register, sign_in, try_password};

const WRONG: &str = "not-the-right-one";

async fn with_device(app: &App, name: &str, password: &str, device: &str) -> Answer {
    let credentials = json!({"username": name, "password": password, "device_token": device});
    app.anonymous().post("/api/v1/auth/login", &credentials).await
}

async fn fail(app: &App, name: &str, times: usize) {
    for _ in 0..times {
        try_password(app, name, WRONG).await.expect_problem(401, "INVALID_CREDENTIALS");
    }
}

on_both_back_ends! {
    async fn waits_grow_and_end_with_the_right_password(backend) {
        let app = hospital(backend).await;
        fail(&app, "admin", 5).await;
        for wait in [5, 10, 20] {
            // The right one is not accepted either, so that guessing on tells nothing.
            let locked = sign_in(&app, "admin").await;
            assert_eq!(locked.expect_problem(429, "LOCKED_OUT").header("retry-after"), wait.to_string());
            // The other name is the same account.
            sign_in(&app, "chief@hospital.example").await.expect(429);
            app.clock.advance(TimeDelta::seconds(wait));
            fail(&app, "admin", 1).await;
        }
        app.clock.advance(TimeDelta::seconds(40));
        sign_in(&app, "admin").await.expect(200);
        fail(&app, "admin", 4).await;
        sign_in(&app, "admin").await.expect(200);
    }

    async fn names_that_nobody_has_lock_alike(backend) {
        let app = hospital(backend).await;
        register(&app, "ann@example.org").await.expect(201);
        let mut told = Vec::new();
        for name in ["ann@example.org", "nobody@example.org"] {
            fail(&app, name, 5).await;
            let locked = try_password(&app, name, WRONG).await;
            told.push((locked.status, locked.header("retry-after").to_owned(), locked["error"].clone()));
        }
        assert_eq!(told[0], told[1]);
        // One name says nothing of another.
        try_password(&app, "someone@example.org", WRONG).await.expect(401);
    }

    async fn a_stranger_locks_nobody_out_who_is_known(backend) {
        let app = hospital(backend).await;
        let tokens = sign_in(&app, "admin").await;
        let device = tokens.text("device_token");
        fail(&app, "admin", 5).await;
        sign_in(&app, "admin").await.expect_problem(429, "LOCKED_OUT");
        refresh(&app, &tokens.text("refresh")).await.expect(200);
        let again = with_device(&app, "admin", PASSWORD, &device).await;
        again.expect(200);
        // It is known on; strangers still wait.
        sign_in(&app, "admin").await.expect(429);
        with_device(&app, "admin", PASSWORD, &again.text("device_token")).await.expect(200);
        // Nobody else's device is known.
        register(&app, "ann@example.org").await.expect(201);
        let foreign = sign_in(&app, "ann@example.org").await.text("device_token");
        with_device(&app, "admin", PASSWORD, &foreign).await.expect(429);
        with_device(&app, "admin", PASSWORD, "forged").await.expect(429);
    }

    async fn a_known_device_waits_for_itself_alone(backend) {
        let app = hospital(backend).await;
        let device = sign_in(&app, "admin").await.text("device_token");
        for _ in 0..5 {
            with_device(&app, "admin", WRONG, &device).await.expect_problem(401, "INVALID_CREDENTIALS");
        }
        with_device(&app, "admin", PASSWORD, &device).await.expect_problem(429, "LOCKED_OUT");
        sign_in(&app, "admin").await.expect(200);
        assert!(app.published_of::<AccountLocked>().await.is_empty(), "the account is not locked");
    }

    async fn of_many_guesses_at_once_five_are_looked_at(backend) {
        let app = hospital(backend).await;
        // The right one is the last of those that are sent at once; whether it is looked at depends on its place.
        let guesses = (0..12).map(|_| try_password(&app, "admin", WRONG));
        let answers = join_all(guesses).await;
        let wrong = answers.iter().filter(|answer| answer.code() == "INVALID_CREDENTIALS").count();
        let locked = answers.iter().filter(|answer| answer.code() == "LOCKED_OUT").count();
        assert_eq!((wrong, locked), (5, 7));
        sign_in(&app, "admin").await.expect(429);
    }

    async fn attempts_and_waits_are_audited_told_and_counted(backend) {
        let app = hospital(backend).await;
        fail(&app, "admin", 5).await;
        sign_in(&app, "admin").await.expect(429);
        let details: Vec<_> = audit(&app).await.into_iter().map(|entry| entry.detail.unwrap_or_default()).collect();
        assert_eq!(details[4..], ["wrong password", "locked for 5 s", "locked out"]);
        let locked = app.published_of::<AccountLocked>().await;
        assert_eq!((locked.len(), locked[0].failures), (1, 5));
        assert_eq!(locked[0].until, app.clock.now() + TimeDelta::seconds(5));
        let metrics = app.anonymous().get("/metrics").await.body.as_str().unwrap().to_owned();
        for line in ["hms_auth_failed_attempts_total 5", "hms_auth_lockouts_total 1", "hms_auth_attempts_locked_out_total 1"] {
            assert!(metrics.contains(line), "{line}\n{metrics}");
        }
    }
}
