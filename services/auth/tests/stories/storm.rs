//! A storm of sign-ins takes neither the memory nor the time of the other requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hms_testkit::{on_both_back_ends, until};
use serde_json::json;

use crate::{hospital, refresh, sign_in};

/// More than have a place in the line before the hashing threads, on any machine that runs tests.
fn many() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get()) * 65 + 40
}

on_both_back_ends! {
    async fn others_are_served_while_the_line_before_the_hashing_is_full(backend) {
        let app = hospital(backend).await;
        let mut token = sign_in(&app, "admin").await.text("refresh");
        let (turned_away, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let storm: Vec<_> = (0..many())
            .map(|guest| {
                let (client, turned_away, answered) = (app.anonymous(), turned_away.clone(), answered.clone());
                tokio::spawn(async move {
                    let body = json!({"username": format!("guest{guest}"), "password": "not-the-right-one"});
                    let answer = client.post("/api/v1/auth/login", &body).await;
                    if answer.status == 503 {
                        turned_away.fetch_add(1, Ordering::SeqCst);
                    }
                    answered.fetch_add(1, Ordering::SeqCst);
                    (answer.status, answer.header("retry-after").to_owned())
                })
            })
            .collect();
        until("a full line", 30, async || (turned_away.load(Ordering::SeqCst) > 0).then_some(())).await;
        let mut served = 0;
        while answered.load(Ordering::SeqCst) < many() && served < 5 {
            app.anonymous().get("/health").await.expect(200);
            token = refresh(&app, &token).await.expect(200).text("refresh");
            served += 1;
        }
        assert_eq!(served, 5, "the storm was over too soon to tell");
        let mut told = Vec::new();
        for guest in storm {
            told.push(guest.await.unwrap());
        }
        assert!(told.iter().all(|(status, wait)| *status == 401 || (*status == 503 && wait == "1")), "{told:?}");
        assert!(told.iter().any(|(status, _)| *status == 401));
    }
}
