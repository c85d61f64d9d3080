//! A token that is there must be good; none at all is the service's matter.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use hms_access::{Issuer, KeySource, SigningKey, Verifier};
use hms_gateway::{Config, start};
use hms_model::Clock;
use hms_settings::Settings;

use crate::support::{Client, Echo, Gateway, nobody};

async fn with(gateway: &Gateway, authorization: &str) -> crate::support::Answer {
    gateway.send(&format!("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\n{authorization}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_token_and_none_at_all_pass_on() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let token = gateway.token(TimeDelta::minutes(15));
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = with(&gateway, &format!("Authorization: {scheme} {token}\r\n")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["headers"]["authorization"][0], format!("{scheme} {token}"));
    }
    let anonymous = with(&gateway, "").await;
    assert_eq!(anonymous.status, 200);
    assert!(anonymous.json()["headers"].get("authorization").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_is_401_and_reaches_no_service() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let good = gateway.token(TimeDelta::minutes(15));
    let (header, payload, signature) = parts(&good);
    let stranger = Issuer::new(SigningKey::generate().unwrap()).unwrap();
    let now = Clock::system().now();
    let claims = hms_access::Claims::new(
        hms_model::id::Id::new(now),
        hms_model::id::Id::new(now),
        vec![hms_model::role::Role::Admin],
        now,
        TimeDelta::minutes(15),
    );
    let foreign = stranger.issue(&claims).unwrap();
    let admin = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).unwrap());
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let hmac =
        Issuer::new(SigningKey::Hs256 { secret: gateway.issuer.jwks().keys[0].x.clone().into_bytes() })
            .unwrap();
    let confused = hmac.issue(&claims).unwrap();
    let cases = [
        ("not a token", "Bearer nonsense".to_owned()),
        ("empty", "Bearer".to_owned()),
        ("another scheme", "Basic YWRtaW46YWRtaW4=".to_owned()),
        ("no scheme", good.clone()),
        ("alg none", format!("Bearer {none}.{payload}.")),
        ("alg none, other claims", format!("Bearer {none}.{admin}.")),
        ("alg none with the signature", format!("Bearer {none}.{payload}.{signature}")),
        ("other claims under the signature", format!("Bearer {header}.{admin}.{signature}")),
        ("no signature", format!("Bearer {header}.{payload}.")),
        ("signed by a stranger", format!("Bearer {foreign}")),
        ("signed with the public key as an HMAC secret", format!("Bearer {confused}")),
        ("with something after it", format!("Bearer {good}x")),
        ("two of them", format!("Bearer {good}\r\nAuthorization: Bearer {good}")),
    ];
    for (case, value) in cases {
        let answer = with(&gateway, &format!("Authorization: {value}\r\n")).await;
        assert_eq!(answer.status, 401, "{case}");
        answer.assert_error(401, "UNAUTHENTICATED");
        assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")), "{case}");
    }
    let expired = gateway.token(TimeDelta::seconds(-1));
    with(&gateway, &format!("Authorization: Bearer {expired}\r\n")).await.assert_error(401, "TOKEN_EXPIRED");
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_s_own_pages_ask_for_no_token() {
    let gateway = Gateway::before(&nobody().await).await;
    for path in ["/health", "/metrics", "/api/docs"] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: hms\r\nAuthorization: Bearer nonsense\r\n");
        assert_eq!(gateway.send(&head).await.status, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_keys_nothing_is_said_of_a_token() {
    let echo = Echo::start().await;
    let token = Gateway::before(&echo.address).await.token(TimeDelta::minutes(15));
    let mut config = Config::from_settings(&Settings::default()).unwrap();
    let keys = KeySource::Url(format!("http://{}/.well-known/jwks.json", nobody().await));
    config.verifier = Verifier::new(keys, Clock::system()).unwrap();
    config.listen.set_port(0);
    let gateway = start(config).await.unwrap();
    let mut client = Client::connect(&gateway.addr().to_string()).await;
    client
        .head(&format!("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nAuthorization: Bearer {token}\r\n"))
        .await;
    client.answer().await.assert_error(503, "UNAVAILABLE");
}

fn parts(token: &str) -> (&str, &str, &str) {
    let mut parts = token.split('.');
    (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
}
