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
use hms_tests::{Platform, on_both_kinds};

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
            "POST /api/v1/auth/password/forgotten",
            "POST /api/v1/auth/password/reset",
            "POST /api/v1/auth/verification",
            "POST /api/v1/auth/verification/confirm",
            "POST /api/v1/billing/dunning",
            "POST /api/v1/billing/payments/webhook",
            "POST /api/v1/notifications/{id}/read",
            "POST /api/v1/push-subscriptions",
            "POST /api/v1/services/{service}/dead-letters/{event_id}/redrive",
            "POST /api/v1/webhooks/deliveries/{id}/redeliver",
        ],
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

/// The operation, or those that every service has.
fn of_each_service(name: &str) -> BTreeSet<String> {
    SERVICES.iter().map(|service| name.replace("{service}", service.name)).collect()
}

on_both_kinds! {
    async fn every_post_is_done_once_and_answered_alike_after_a_restart(kind) {
        let mut platform = Platform::start(kind).await;
        let admin = platform.admin().await;
        let doctor = platform.account(&admin, &[Role::Doctor]).await;
        let mut walk = Walk::new(admin.client.clone());
        walk.directory(&doctor.client).await;
        walk.accounts().await;
        walk.calendar().await;
        walk.waitlist().await;
        walk.counter().await;
        walk.billing().await;
        walk.books().await;
        walk.webhooks().await;
        walk.figures_and_messages().await;

        let document = admin.client.get("/api/schema").await;
        let all = operations(&document.expect(200).body);
        let posts: BTreeSet<_> = all.into_keys().filter(|name| name.starts_with("POST ")).collect();
        let unkeyed = UNKEYED.iter().flat_map(|(_, names)| names.iter().flat_map(|name| of_each_service(name)));
        let known: BTreeSet<_> = walk.walked().chain(unkeyed).collect();
        assert_eq!(known, posts, "what is walked or written down as unkeyed, and what the document has");

        platform.restart().await;
        let admin = platform.admin().await;
        let doctor = platform.sign_in(&doctor.email, &hms_tests::password(&doctor.email)).await;
        walk.all_again(&admin.client, &doctor.client).await;
    }
}
