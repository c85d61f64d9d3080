#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panic")]
//! What is accepted as a token, and what is not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use chrono::TimeDelta;
use hms_access::{AccessError, Claims, INTERNAL_AUDIENCE, Issuer, KeySource, SigningKey, Verifier};
use hms_model::id::Id;
use hms_model::role::{Reach, Requirement, Role, Scope};
use hms_model::{Clock, Coded};

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

#[tokio::test]
async fn a_token_that_is_shown_again_costs_no_signature_check_and_expires_all_the_same() {
    let desk = desk();
    let claims = claims(&desk.clock);
    let token = desk.issuer.issue(&claims).unwrap();
    for _ in 0..5 {
        assert_eq!(*desk.verifier.verify(&token).await.unwrap(), claims);
    }
    assert_eq!(desk.verifier.signature_checks(), 1);
    let forged = format!("{token}x");
    for checks in 2..4 {
        assert!(matches!(desk.verifier.verify(&forged).await, Err(AccessError::Invalid)));
        assert_eq!(desk.verifier.signature_checks(), checks, "a bad one is not remembered");
    }
    desk.clock.advance(TimeDelta::minutes(15));
    assert!(matches!(desk.verifier.verify(&token).await, Err(AccessError::Expired)));
    assert_eq!(desk.verifier.signature_checks(), 3);
}

#[tokio::test]
async fn however_many_tokens_come_only_so_many_are_remembered() {
    let clock = Clock::system();
    let secret = b"a secret of at least 32 bytes, as RFC 7518 asks".to_vec();
    let issuer = Issuer::new(SigningKey::Hs256 { secret: secret.clone() }).unwrap();
    let verifier = Verifier::new(KeySource::Secret(secret), clock.clone()).unwrap();
    let many = 40_000;
    for _ in 0..many {
        verifier.verify(&issuer.issue(&claims(&clock)).unwrap()).await.unwrap();
    }
    assert_eq!(verifier.signature_checks(), many);
    let known = verifier.known_tokens();
    assert!((8_192..=16_384).contains(&known), "{known}");
}

#[tokio::test]
async fn a_token_counts_neither_before_its_time_nor_for_another_audience() {
    let desk = desk();
    let now = desk.clock.now();
    let early = Claims { nbf: Some((now + TimeDelta::minutes(1)).timestamp()), ..claims(&desk.clock) };
    let early = desk.issuer.issue(&early).unwrap();
    assert!(matches!(desk.verifier.verify(&early).await, Err(AccessError::Invalid)));
    desk.clock.advance(TimeDelta::minutes(1));
    desk.verifier.verify(&early).await.unwrap();
    let elsewhere = Claims { aud: "pharmacy".to_owned(), ..claims(&desk.clock) };
    let elsewhere = desk.issuer.issue(&elsewhere).unwrap();
    assert!(matches!(desk.verifier.verify(&elsewhere).await, Err(AccessError::Invalid)));
}

#[test]
fn what_only_a_person_may_do_asks_for_their_own_sign_in() {
    let own = claims(&desk().clock);
    let program = Claims { client_id: Some("hms_1".into()), ..own.clone() };
    let enrolling = Claims { enrolling: true, ..own.clone() };
    let read = Requirement::Scope(Scope::PatientRead);
    let cases = [
        (&own, [true, true, true, true]),
        (&program, [true, false, false, true]),
        (&enrolling, [false, false, true, false]),
    ];
    for (claims, expected) in cases {
        let asked = [Requirement::SignedIn, Requirement::InPerson, Requirement::Enrolling, read];
        assert_eq!(asked.map(|requirement| claims.meets(requirement)), expected, "{claims:?}");
    }
}

#[tokio::test]
async fn each_audience_has_its_own_verifier_whatever_is_remembered() {
    let desk = desk();
    let service =
        Claims { aud: INTERNAL_AUDIENCE.to_owned(), roles: vec![Role::Service], ..claims(&desk.clock) };
    let (person, service) =
        (desk.issuer.issue(&claims(&desk.clock)).unwrap(), desk.issuer.issue(&service).unwrap());
    let internal = desk.verifier.internal();
    for _ in 0..2 {
        desk.verifier.verify(&person).await.unwrap();
        internal.verify(&service).await.unwrap();
        assert!(matches!(internal.verify(&person).await, Err(AccessError::Invalid)));
        assert!(matches!(desk.verifier.verify(&service).await, Err(AccessError::Invalid)));
    }
}

#[tokio::test]
async fn another_issuer_is_refused_although_the_key_is_right() {
    let desk = desk();
    let set = || KeySource::Set(desk.issuer.jwks());
    let ours = Verifier::of_issuer("https://hms.example", set(), desk.clock.clone()).unwrap();
    let claims = |iss: &str| Claims { iss: iss.to_owned(), ..claims(&desk.clock) };
    let token = |iss| desk.issuer.issue(&claims(iss)).unwrap();
    ours.verify(&token("https://hms.example")).await.unwrap();
    for iss in ["hms", "", "https://hms.example/", "https://evil.example"] {
        assert!(matches!(ours.verify(&token(iss)).await, Err(AccessError::Invalid)), "{iss}");
    }
}

#[test]
fn whoever_is_bound_to_a_department_reaches_it_and_nobody_reaches_more_by_it() {
    let own = claims(&desk().clock);
    let department_id = Id::new(chrono::DateTime::UNIX_EPOCH);
    let with = |roles: &[Role], department_id| Claims { roles: roles.to_vec(), department_id, ..own.clone() };
    let department = Reach::Department { department_id };
    let themselves = Reach::Own { account_id: own.sub, patient_id: None };
    let cases = [
        (&[Role::Nurse][..], None, Reach::Everyone),
        (&[Role::Nurse], Some(department_id), department),
        (&[Role::Service], None, Reach::Everyone),
        (&[Role::Service], Some(department_id), department),
        (&[Role::Patient], None, themselves),
        (&[Role::Patient], Some(department_id), themselves),
        (&[Role::Patient, Role::Service], None, themselves),
        (&[Role::Device], Some(department_id), themselves),
    ];
    for (roles, department_id, expected) in cases {
        assert_eq!(with(roles, department_id).reach(), expected, "{roles:?} {department_id:?}");
    }
}

#[test]
fn whoever_is_bound_to_a_department_has_no_scope_of_the_whole() {
    let now = chrono::DateTime::UNIX_EPOCH;
    let admin = Claims::new(Id::new(now), Id::new(now), vec![Role::Admin], now, TimeDelta::minutes(5));
    let bound = Claims { department_id: Some(Id::new(now)), ..admin.clone() };
    for scope in Scope::ALL {
        assert!(admin.meets(Requirement::Scope(*scope)), "{scope}");
        assert_eq!(bound.meets(Requirement::Scope(*scope)), !scope.is_of_the_whole(), "{scope}");
    }
}

/// Who treats has no scope on invoices; as a patient they have it for their own.
#[test]
fn a_scope_that_only_the_patients_role_gives_reaches_what_is_their_own() {
    let patient_id = Some(Id::new(chrono::DateTime::UNIX_EPOCH));
    let own = Claims { patient_id, ..claims(&desk().clock) };
    let department_id = Id::new(chrono::DateTime::UNIX_EPOCH);
    let with = |roles: &[Role], department_id| Claims { roles: roles.to_vec(), department_id, ..own.clone() };
    let themselves = Reach::Own { account_id: own.sub, patient_id };
    let nothing = Reach::Own { account_id: own.sub, patient_id: None };
    let (everyone, department) = (Reach::Everyone, Reach::Department { department_id });
    let cases = [
        (&[Role::Doctor, Role::Patient][..], None, everyone, themselves),
        (&[Role::Doctor, Role::Patient], Some(department_id), department, nothing),
        (&[Role::Patient], None, themselves, themselves),
        (&[Role::Accountant, Role::Patient], None, everyone, everyone),
        (&[Role::Doctor], None, everyone, everyone),
        (&[Role::Service], None, everyone, everyone),
    ];
    for (roles, department_id, records, invoices) in cases {
        let claims = with(roles, department_id);
        let reach = |scope| claims.reach_for(Requirement::Scope(scope));
        assert_eq!(reach(Scope::AppointmentRead), records, "{roles:?} {department_id:?}");
        assert_eq!(reach(Scope::InvoiceRead), invoices, "{roles:?} {department_id:?}");
        assert_eq!(claims.reach_for(Requirement::SignedIn), claims.reach(), "{roles:?} {department_id:?}");
    }
}
