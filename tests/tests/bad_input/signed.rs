//! Tokens under a good signature that are nevertheless no tokens for here: all services share a secret, which the test
//! knows, so that nothing but the claims is wrong.

use chrono::{DateTime, TimeDelta, Utc};
use hms_access::{Claims, INTERNAL_AUDIENCE, Issuer, SigningKey};
use hms_model::Clock;
use hms_model::id::Id;
use hms_model::role::Role;
use hms_model::service::SERVICES;
use hms_tests::{Kind, Platform};

use crate::tokens::{PROTECTED, complaints_of, protected};

const SECRET: &str = "one secret for all of the services";

/// A change of good claims, and the code of the refusal; none where they stay good.
type Row = (&'static str, fn(&mut Claims, DateTime<Utc>), &'static str);

const ROWS: [Row; 9] = [
    ("as it should be", |_, _| {}, ""),
    ("another audience", |claims, _| claims.aud = "another".into(), "UNAUTHENTICATED"),
    ("no audience", |claims, _| claims.aud = String::new(), "UNAUTHENTICATED"),
    ("for services among themselves", |claims, _| claims.aud = INTERNAL_AUDIENCE.into(), "UNAUTHENTICATED"),
    (
        "a service's own",
        |claims, _| {
            claims.aud = INTERNAL_AUDIENCE.into();
            claims.roles = vec![Role::Service];
        },
        "UNAUTHENTICATED",
    ),
    ("another issuer", |claims, _| claims.iss = "https://elsewhere.example".into(), "UNAUTHENTICATED"),
    (
        "not valid yet",
        |claims, now| claims.nbf = Some((now + TimeDelta::minutes(10)).timestamp()),
        "UNAUTHENTICATED",
    ),
    ("expired", |claims, now| claims.exp = (now - TimeDelta::minutes(10)).timestamp(), "TOKEN_EXPIRED"),
    ("issued in the year 1970 and expired", |claims, _| (claims.iat, claims.exp) = (1, 2), "TOKEN_EXPIRED"),
];

/// Each row at every operation that asks for a token, at the gateway and at the service itself.
pub async fn are_looked_at_everywhere(kind: Kind) {
    let settings = Platform::prepare(kind).with("JWT_ALGORITHM", "HS256").with("JWT_SECRET", SECRET);
    let mut platform = settings;
    platform.launch().await;
    let issuer = Issuer::new(SigningKey::Hs256 { secret: SECRET.into() }).unwrap();
    let now = Clock::system().now();
    let operations = protected(&platform).await;
    let mut complaints = Vec::new();
    for (what, change, code) in ROWS {
        let mut claims =
            Claims::new(Id::new(now), Id::new(now), vec![Role::Admin], now, TimeDelta::minutes(15));
        claims.iss = platform.gateway_url();
        change(&mut claims, now);
        let token = issuer.issue(&claims).unwrap();
        if code.is_empty() {
            complaints.extend(taken_by_all(&platform, what, &token).await);
        } else {
            complaints.extend(complaints_of(&platform, &operations, what, &token, code).await);
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let walked: Vec<_> = PROTECTED.iter().map(|(service, _)| *service).collect();
    let all: Vec<_> = SERVICES.iter().map(|service| service.name).collect();
    assert_eq!(walked, all, "every service has a path that is tried");
}

/// So that those below are refused for what is wrong with them.
async fn taken_by_all(platform: &Platform, what: &str, token: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (service, path) in PROTECTED {
        for client in [platform.gateway(), platform.service(service)] {
            let answer = client.with_token(token).get(path).await;
            if answer.status != 200 {
                complaints.push(format!("- {what}, {service}: {} {}", answer.status, answer.body));
            }
        }
    }
    complaints
}
