//! Sessions that end before their tokens, and API keys.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;
use hms_access::{Claims, INTERNAL_AUDIENCE};
use hms_model::id::{Id, SessionId};
use hms_model::role::Role;

use crate::support::{Answer, AuthService, Client, Echo, Gateway, Made, PATIENCE, PAUSE, get};

/// The claims of a nurse, with an id of the session.
fn claims(gateway: &Gateway, sid: SessionId) -> Claims {
    let now = gateway.clock.now();
    Claims::new(Id::new(now), sid, vec![Role::Nurse], now, TimeDelta::minutes(5))
}

async fn asked(gateway: &Gateway, headers: &str) -> Answer {
    gateway.send(&format!("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\n{headers}")).await
}

async fn with_token(gateway: &Gateway, token: &str) -> Answer {
    asked(gateway, &format!("Authorization: Bearer {token}\r\n")).await
}

/// Asks until it is answered so.
async fn until_status(status: u16, mut ask: impl AsyncFnMut() -> Answer) -> Duration {
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        if answer.status == status {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < PATIENCE, "{}", answer.text());
        tokio::time::sleep(PAUSE).await;
    }
}

fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_revoked_stops_within_five_seconds() {
    let (echo, auth) = (Echo::start().await, AuthService::start().await);
    let made = Made::new().asking(&auth);
    let sids: Vec<SessionId> = (0..6).map(|_| Id::new(made.clock.now())).collect();
    let until = made.clock.now().timestamp() + 900;
    // More than fit into one part of the list, before the gateway starts.
    sids[..5].iter().for_each(|sid| auth.revoke(*sid, until));
    let gateway = made.before(&echo.address).await;
    let tokens: Vec<_> =
        sids.iter().map(|sid| gateway.issuer.issue(&claims(&gateway, *sid)).unwrap()).collect();
    for token in &tokens[..5] {
        until_status(401, async || with_token(&gateway, token).await).await;
    }
    assert_eq!(with_token(&gateway, &tokens[5]).await.status, 200);
    auth.revoke(sids[5], until);
    let took = until_status(401, async || with_token(&gateway, &tokens[5]).await).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    let refusal = with_token(&gateway, &tokens[5]).await;
    refusal.assert_error(401, "UNAUTHENTICATED");
    let challenge = refusal.header("www-authenticate").unwrap();
    assert_eq!(challenge, "Bearer realm=\"hms\", error=\"invalid_token\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_auth_service_the_list_ages_and_the_gateway_goes_on() {
    let (echo, auth) = (Echo::start().await, AuthService::start().await);
    let made = Made::new().asking(&auth);
    let sid = Id::new(made.clock.now());
    auth.revoke(sid, made.clock.now().timestamp() + 900);
    let gateway = made.before(&echo.address).await;
    let [revoked, good] =
        [sid, Id::new(gateway.clock.now())].map(|sid| gateway.issuer.issue(&claims(&gateway, sid)).unwrap());
    until_status(401, async || with_token(&gateway, &revoked).await).await;
    auth.set_away(true);
    let age = async || {
        let text = get(&gateway.address(), "/metrics").await.text();
        metric(&text, "hms_gateway_revocations_age_seconds")
    };
    let begun = Instant::now();
    while age().await < 2.0 {
        assert!(begun.elapsed() < PATIENCE, "the list does not age");
        tokio::time::sleep(PAUSE).await;
    }
    assert_eq!(with_token(&gateway, &good).await.status, 200);
    assert_eq!(with_token(&gateway, &revoked).await.status, 401);
    auth.set_away(false);
    while age().await > 1.0 {
        assert!(begun.elapsed() < PATIENCE * 2, "the list stays old");
        tokio::time::sleep(PAUSE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_is_swapped_for_a_token_and_does_not_reach_the_service() {
    let (echo, auth) = (Echo::start().await, AuthService::start().await);
    let gateway = Made::new().asking(&auth).before(&echo.address).await;
    let token = gateway.issuer.issue(&claims(&gateway, Id::new(gateway.clock.now()))).unwrap();
    auth.know("hms_1_good", token.clone());
    for headers in [
        "X-API-Key: hms_1_good\r\n",
        "x-api-key: hms_1_good\r\nX-Forwarded-For: 203.0.113.9\r\n",
        "Authorization: ApiKey hms_1_good\r\n",
        "authorization: apikey hms_1_good\r\n",
    ] {
        let answer = asked(&gateway, headers).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = answer.json()["headers"].clone();
        assert_eq!(seen["authorization"], serde_json::json!([format!("Bearer {token}")]));
        assert!(!answer.text().contains("hms_1_good"), "{seen}");
    }
    assert_eq!(auth.exchanges(), 1, "the answer is remembered");
    assert_eq!(*auth.state.client_ip.lock(), Some("127.0.0.1".into()));
    // Shortly before the token ends there must be a new one.
    gateway.clock.advance(TimeDelta::seconds(290));
    auth.replace(
        "hms_1_good",
        gateway.issuer.issue(&claims(&gateway, Id::new(gateway.clock.now()))).unwrap(),
    );
    assert_eq!(asked(&gateway, "X-API-Key: hms_1_good\r\n").await.status, 200);
    assert_eq!(auth.exchanges(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_with_one_key_ask_once() {
    let (echo, auth) = (Echo::start().await, AuthService::start().await);
    let gateway = Made::new().asking(&auth).before(&echo.address).await;
    auth.know("hms_1_good", gateway.issuer.issue(&claims(&gateway, Id::new(gateway.clock.now()))).unwrap());
    for (key, status) in [("hms_1_good", 200), ("hms_1_bad", 401)] {
        let before = auth.exchanges();
        let headers = format!("X-API-Key: {key}\r\n");
        let answers = join_all((0..40).map(|_| asked(&gateway, &headers))).await;
        assert!(answers.iter().all(|answer| answer.status == status), "{key}");
        assert_eq!(auth.exchanges() - before, 1, "{key}");
    }
    // A bad one is asked for again after a while.
    gateway.clock.advance(TimeDelta::seconds(6));
    asked(&gateway, "X-API-Key: hms_1_bad\r\n").await.assert_error(401, "UNAUTHENTICATED");
    assert_eq!(auth.exchanges(), 3);
    assert_eq!(echo.requests(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_stops_although_its_token_is_remembered() {
    let (echo, auth) = (Echo::start().await, AuthService::start().await);
    let gateway = Made::new().asking(&auth).before(&echo.address).await;
    let sid = Id::new(gateway.clock.now());
    auth.know("hms_1_good", gateway.issuer.issue(&claims(&gateway, sid)).unwrap());
    assert_eq!(asked(&gateway, "X-API-Key: hms_1_good\r\n").await.status, 200);
    auth.revoke(sid, gateway.clock.now().timestamp() + 900);
    let took = until_status(401, async || asked(&gateway, "X-API-Key: hms_1_good\r\n").await).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_checked_is_503_and_not_taken_for_a_bad_one() {
    let (echo, auth) = (Echo::start().await, AuthService::start().await);
    let gateway = Made::new().asking(&auth).before(&echo.address).await;
    auth.know("hms_1_good", gateway.issuer.issue(&claims(&gateway, Id::new(gateway.clock.now()))).unwrap());
    auth.set_away(true);
    asked(&gateway, "X-API-Key: hms_1_good\r\n").await.assert_error(503, "UNAVAILABLE");
    auth.set_away(false);
    // The failure to get a token of its own is remembered for a second of the gateway's clock.
    gateway.clock.advance(TimeDelta::seconds(2));
    until_status(200, async || asked(&gateway, "X-API-Key: hms_1_good\r\n").await).await;
    auth.stop().await;
    assert_eq!(asked(&gateway, "X-API-Key: hms_1_good\r\n").await.status, 200, "it is remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_two_identities_is_refused() {
    let (echo, auth) = (Echo::start().await, AuthService::start().await);
    let gateway = Made::new().asking(&auth).before(&echo.address).await;
    let token = gateway.issuer.issue(&claims(&gateway, Id::new(gateway.clock.now()))).unwrap();
    auth.know("hms_1_good", token.clone());
    for headers in [
        format!("Authorization: Bearer {token}\r\nX-API-Key: hms_1_good\r\n"),
        "Authorization: ApiKey hms_1_good\r\nX-API-Key: hms_1_good\r\n".to_owned(),
    ] {
        let answer = asked(&gateway, &headers).await;
        answer.assert_error(400, "INVALID_REQUEST");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"hms\", error=\"invalid_request\"")
        );
    }
    for headers in ["X-API-Key: hms_1_good\r\nX-API-Key: hms_1_good\r\n", "X-API-Key:\r\n"] {
        asked(&gateway, headers).await.assert_error(401, "UNAUTHENTICATED");
    }
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_tokens_are_401() {
    let echo = Echo::start().await;
    let gateway = Made::new().before(&echo.address).await;
    let now = gateway.clock.now().timestamp();
    let good = claims(&gateway, Id::new(gateway.clock.now()));
    let token = gateway.issuer.issue(&good).unwrap();
    let with = |change: &dyn Fn(&mut Claims)| {
        let mut claims = good.clone();
        change(&mut claims);
        gateway.issuer.issue(&claims).unwrap()
    };
    let stranger = hms_access::Issuer::new(hms_access::SigningKey::generate().unwrap()).unwrap();
    let cases = [
        (
            "of a service, not for the API",
            with(&|claims| claims.aud = INTERNAL_AUDIENCE.to_owned()),
            "UNAUTHENTICATED",
        ),
        ("for another API", with(&|claims| claims.aud = "other".to_owned()), "UNAUTHENTICATED"),
        (
            "of another issuer",
            with(&|claims| claims.iss = "https://evil.example".to_owned()),
            "UNAUTHENTICATED",
        ),
        ("not valid yet", with(&|claims| claims.nbf = Some(now + 60)), "UNAUTHENTICATED"),
        ("expired", with(&|claims| claims.exp = now), "TOKEN_EXPIRED"),
        ("of an unknown key", stranger.issue(&good).unwrap(), "UNAUTHENTICATED"),
        ("cut", token[..token.len() - 1].to_owned(), "UNAUTHENTICATED"),
        ("cut at the signature", token[..token.rfind('.').unwrap()].to_owned(), "UNAUTHENTICATED"),
        ("of one part", token[..token.find('.').unwrap()].to_owned(), "UNAUTHENTICATED"),
    ];
    assert_eq!(with_token(&gateway, &token).await.status, 200);
    for (case, forged, code) in cases {
        let answer = with_token(&gateway, &forged).await;
        assert_eq!(answer.status, 401, "{case}");
        answer.assert_error(401, code);
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer realm=\"hms\", error=\"invalid_token\""), "{case}");
    }
    assert_eq!(echo.requests(), 1);
    let mut client = Client::connect(&gateway.address()).await;
    client.head("GET /health HTTP/1.1\r\nHost: hms\r\nAuthorization: Bearer nonsense\r\n").await;
    assert_eq!(client.answer().await.status, 200, "its own pages ask for no token");
}
