#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panic")]
//! What is accepted as a token, and what is not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use chrono::TimeDelta;
use hms_access::{AccessError, Claims, Issuer, KeySource, SigningKey, Verifier};
use hms_model::Clock;
use hms_model::id::Id;
use hms_model::role::{Requirement, Role, Scope};

struct Desk {
    issuer: Issuer,
    verifier: Verifier,
    clock: Clock,
}

fn desk() -> Desk {
    let clock = Clock::by_hand(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let issuer = Issuer::new(SigningKey::generate().unwrap()).unwrap();
    let verifier = Verifier::new(KeySource::Set(issuer.jwks()), clock.clone()).unwrap();
    Desk { issuer, verifier, clock }
}

fn claims(clock: &Clock) -> Claims {
    let now = clock.now();
    Claims::new(Id::new(now), Id::new(now), vec![Role::Receptionist], now, TimeDelta::minutes(15))
}

#[tokio::test]
async fn a_token_is_read_back_until_it_expires() {
    let desk = desk();
    let claims = claims(&desk.clock);
    let token = desk.issuer.issue(&claims).unwrap();
    assert_eq!(*desk.verifier.verify(&token).await.unwrap(), claims);
    desk.clock.advance(TimeDelta::minutes(15));
    assert!(matches!(desk.verifier.verify(&token).await, Err(AccessError::Expired)));
}

#[tokio::test]
async fn scopes_follow_from_the_roles() {
    let claims = claims(&desk().clock);
    assert!(claims.meets(Requirement::Scope(Scope::PatientWrite)));
    assert!(!claims.meets(Requirement::Scope(Scope::AccountWrite)));
    assert!(claims.is_staff());
}

#[tokio::test]
async fn what_is_not_ours_is_refused() {
    let desk = desk();
    let claims = claims(&desk.clock);
    let good = desk.issuer.issue(&claims).unwrap();
    let (header, rest) = good.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let other = Issuer::new(SigningKey::generate().unwrap()).unwrap().issue(&claims).unwrap();
    let public = desk.issuer.jwks().keys[0].x.clone();
    // The classic confusion: HS256 with the public key as its secret.
    let confused = Issuer::new(SigningKey::Hs256 { secret: B64.decode(public).unwrap() }).unwrap();
    let admin =
        B64.encode(String::from_utf8(B64.decode(payload).unwrap()).unwrap().replace("receptionist", "admin"));
    let none = B64.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let id_token =
        B64.encode(String::from_utf8(B64.decode(header).unwrap()).unwrap().replace("at+jwt", "JWT"));
    let hostile = [
        ("", "empty"),
        ("a.b.c", "no token"),
        (&other, "another issuer's key"),
        (&confused.issue(&claims).unwrap(), "algorithm confusion"),
        (&format!("{header}.{admin}.{signature}"), "changed payload"),
        (&format!("{none}.{payload}."), "alg none"),
        (&format!("{id_token}.{payload}.{signature}"), "another type of token"),
        (&format!("{header}.{payload}."), "no signature"),
        (&format!("{good}x"), "longer signature"),
    ];
    for (token, case) in hostile {
        let answer = desk.verifier.verify(token).await;
        assert!(matches!(answer, Err(AccessError::Invalid)), "{case}: {answer:?}");
    }
}

#[tokio::test]
async fn a_shared_secret_works_where_it_is_asked_for() {
    let clock = Clock::system();
    let secret = b"a secret of at least 32 bytes, as RFC 7518 asks".to_vec();
    let issuer = Issuer::new(SigningKey::Hs256 { secret: secret.clone() }).unwrap();
    let verifier = Verifier::new(KeySource::Secret(secret), clock.clone()).unwrap();
    let token = issuer.issue(&claims(&clock)).unwrap();
    assert!(verifier.verify(&token).await.is_ok());
    assert!(issuer.jwks().keys.is_empty());
}
