//! `Idempotency-Key` on every POST of the merged document: sent again it gives the first answer, also when the platform
//! was started anew in between, and does nothing a second time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

mod walk;

use std::collections::BTreeSet;

use hms_model::role::Role;
use hms_model::service::SERVICES;
use hms_tests::api::operations;
use hms_tests::{Platform, on_both_kinds, password, repository};

use walk::Walk;

/// The operations that keep no answer, and why. One more is a decision, and is written down here.
const UNKEYED: &[(&str, &[&str])] = &[
    (
        "the answer holds tokens or secrets, which are kept nowhere",
        &[
            "POST /api/v1/api-keys",
            "POST /api/v1/api-keys/{id}/rotate",
            "POST /api/v1/auth/login",
            "POST /api/v1/auth/login/mfa",
            "POST /api/v1/auth/mfa/recovery-codes",
            "POST /api/v1/auth/mfa/totp",
            "POST /api/v1/auth/mfa/totp/confirm",
            "POST /api/v1/auth/refresh",
            "POST /api/v1/auth/token",
            "POST /api/v1/oauth/clients",
            "POST /api/v1/oauth/clients/{id}/secret",
            "POST /api/v1/webhooks",
            "POST /api/v1/webhooks/{id}/secret/rotate",
        ],
    ),
    (
        "a repetition cannot do it twice: what it takes is used up, or it is so already",
        &[
            "POST /api/v1/auth/invitation",
            "POST /api/v1/auth/logout",
            "POST /api/v1/auth/me/erase",
            "POST /api/v1/auth/mfa/totp/disable",
            "POST /api/v1/auth/password",
            "POST /api/v1/auth/password/reset",
            "POST /api/v1/auth/verification/confirm",
            "POST /api/v1/billing/payments/webhook",
        ],
    ),
    (
        "whoever asks may have no account, to whom a key could belong; no second mail goes out within a minute",
        &["POST /api/v1/auth/password/forgotten", "POST /api/v1/auth/verification"],
    ),
    ("it changes nothing", &["POST /api/v1/notification-templates/{kind}/{channel}/{language}/preview"]),
    (
        "as OAuth has it (RFC 6749, 7009, 7662)",
        &[
            "POST /api/v1/oauth/authorize",
            "POST /api/v1/oauth/introspect",
            "POST /api/v1/oauth/revoke",
            "POST /api/v1/oauth/token",
        ],
    ),
];

/// Operations that keep their answer as all do, but ask for what no walk comes to: the test that sends each of them twice.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "POST /api/v1/services/{service}/dead-letters/{event_id}/redrive",
        "crates/hms-service/tests/service/dead_letters.rs",
        "a_letter_is_sent_again_until_it_is_taken_and_then_once",
    ),
    (
        "POST /api/v1/webhooks/deliveries/{id}/redeliver",
        "services/notification/tests/notification/webhooks.rs",
        "it_is_tried_by_the_schedule_with_the_same_id_and_body",
    ),
];

/// The operation, or those that every service has.
fn of_each_service(name: &str) -> BTreeSet<String> {
    SERVICES.iter().map(|service| name.replace("{service}", service.name)).collect()
}

#[test]
fn the_tests_of_those_that_no_walk_comes_to_are_there() {
    for (operation, file, test) in ELSEWHERE {
        let source = std::fs::read_to_string(repository().join(file)).unwrap();
        assert!(source.contains(&format!("fn {test}(")), "{operation}: {file} has no {test}");
    }
}

on_both_kinds! {
    async fn every_post_is_done_once_and_answered_alike_after_a_restart(kind) {
        let mut platform = Platform::start(kind).await;
        let admin = platform.admin().await;
        let doctor = platform.account(&admin, &[Role::Doctor]).await;
        let patient = platform.register_patient().await;
        let mut walk = Walk::new([&admin, &doctor, &patient].map(|person| person.client.clone()));
        walk.directory().await;
        walk.accounts().await;
        walk.calendar().await;
        walk.waitlist().await;
        walk.counter().await;
        walk.billing().await;
        walk.books().await;
        walk.webhooks().await;
        walk.figures_and_messages().await;
        walk.of_a_patient(patient.patient_id()).await;

        let document = admin.client.get("/api/schema").await;
        let all = operations(&document.expect(200).body);
        let posts: BTreeSet<_> = all.into_keys().filter(|name| name.starts_with("POST ")).collect();
        let unkeyed = UNKEYED.iter().flat_map(|(_, names)| names.iter().flat_map(|name| of_each_service(name)));
        let elsewhere = ELSEWHERE.iter().flat_map(|(name, ..)| of_each_service(name));
        let known: BTreeSet<_> = walk.walked().chain(unkeyed).chain(elsewhere).collect();
        assert_eq!(known, posts, "what is walked or written down, and what the document has");

        platform.restart().await;
        let admin = platform.admin().await;
        let doctor = platform.sign_in(&doctor.email, &password(&doctor.email)).await;
        let patient = platform.sign_in(&patient.email, &password(&patient.email)).await;
        walk.all_again([&admin, &doctor, &patient].map(|person| person.client.clone())).await;
    }
}
