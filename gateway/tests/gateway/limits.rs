//! How often a client may ask, and how it learns of it.

use chrono::TimeDelta;
use hms_access::Claims;
use hms_model::id::Id;
use hms_model::role::Role;

use crate::support::{Answer, AuthService, Client, Echo, Gateway, Made};

/// A token of somebody new, with a plan.
fn token(gateway: &Gateway, plan: Option<&str>, client: Option<&str>) -> String {
    let now = gateway.clock.now();
    let mut claims = Claims::new(Id::new(now), Id::new(now), vec![Role::Nurse], now, TimeDelta::hours(9));
    claims.plan = plan.map(str::to_owned);
    claims.client_id = client.map(str::to_owned);
    gateway.issuer.issue(&claims).unwrap()
}

async fn asked(gateway: &Gateway, headers: &str) -> Answer {
    gateway.send(&format!("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\n{headers}")).await
}

async fn signed_in(gateway: &Gateway, token: &str) -> Answer {
    asked(gateway, &format!("Authorization: Bearer {token}\r\n")).await
}

/// The statuses of so many requests.
async fn statuses(gateway: &Gateway, count: usize, headers: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(asked(gateway, headers).await.status);
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stated_limits_hold_without_any_setting() {
    let echo = Echo::start().await;
    let gateway = Made::new().limited([]).before(&echo.address).await;
    let token = token(&gateway, None, None);
    let first = signed_in(&gateway, &token).await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"minute\";q=50;w=60, \"hour\";q=1000;w=3600"));
    assert!(first.header("ratelimit").unwrap().starts_with("\"minute\";r=49;t="));
    assert_eq!(
        (first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")),
        (Some("50"), Some("49"))
    );
    let reset: i64 = first.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!((60..=62).contains(&(reset - gateway.clock.now().timestamp())), "{reset}");
    assert_eq!(statuses(&gateway, 49, &format!("Authorization: Bearer {token}\r\n")).await, vec![200; 49]);
    let refused = signed_in(&gateway, &token).await;
    refused.assert_error(429, "RATE_LIMITED");
    let details = refused.json()["error"]["details"].clone();
    assert_eq!(details, serde_json::json!({"policy": "minute", "limit": 50, "window_seconds": 60}));
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(echo.requests(), 50, "what is refused reaches no service");
    // Another user is not concerned, and neither is somebody without a token.
    assert_eq!(signed_in(&gateway, &self::token(&gateway, None, None)).await.status, 200);
    assert_eq!(asked(&gateway, "").await.status, 200);
    gateway.clock.advance(TimeDelta::seconds(wait));
    assert_eq!(signed_in(&gateway, &token).await.status, 200, "after what Retry-After says there is room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_an_hour_and_a_hundred_without_a_token() {
    let echo = Echo::start().await;
    let gateway = Made::new().limited([]).before(&echo.address).await;
    let token = format!("Authorization: Bearer {}\r\n", token(&gateway, None, None));
    for (headers, per_hour) in [(token.as_str(), 1000), ("", 100)] {
        for _ in 0..per_hour / 50 {
            assert_eq!(statuses(&gateway, 50, headers).await, vec![200; 50]);
            gateway.clock.advance(TimeDelta::seconds(61));
        }
        let refused = asked(&gateway, headers).await;
        refused.assert_error(429, "RATE_LIMITED");
        assert_eq!(refused.json()["error"]["details"]["policy"], "hour");
        let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
        gateway.clock.advance(TimeDelta::seconds(wait));
        assert_eq!(asked(&gateway, headers).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_counted_apart_and_those_of_one_customer_together() {
    let echo = Echo::start().await;
    let gateway = Made::new().limited([]).before(&echo.address).await;
    let from = |address: &str| format!("X-Forwarded-For: {address}\r\n");
    for (first, same, other) in [
        ("198.51.100.1", "198.51.100.1", "198.51.100.2"),
        ("2001:db8:1:2::1", "2001:db8:1:2:99::7", "2001:db8:1:3::1"),
    ] {
        assert_eq!(statuses(&gateway, 50, &from(first)).await, vec![200; 50]);
        assert_eq!(asked(&gateway, &from(same)).await.status, 429, "{same}");
        assert_eq!(asked(&gateway, &from(other)).await.status, 200, "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_s_own_pages_are_not_limited() {
    let echo = Echo::start().await;
    let gateway = Made::new().limited([]).before(&echo.address).await;
    assert_eq!(statuses(&gateway, 51, "").await.last(), Some(&429));
    for path in ["/health", "/metrics", "/api/docs", "/api/schema"] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("ratelimit").is_none(), "{path}");
    }
    let metrics = gateway.get("/metrics").await.text();
    assert!(metrics.contains("hms_gateway_rate_limited_total{rule=\"default/anonymous\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_nobody_answers_counts_too() {
    let echo = Echo::start().await;
    let gateway = Made::new().limited([]).before(&echo.address).await;
    for _ in 0..50 {
        assert_eq!(gateway.get("/api/v1/nothing").await.status, 404);
    }
    assert_eq!(gateway.get("/api/v1/nothing").await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_bounded_by_how_much_it_asks_at_once() {
    let echo = Echo::start().await;
    let file = file("integration", "[[limit]]\nplan = \"integration\"\nconcurrent = 2\n");
    let gateway = Made::new().limited([("HMS_LIMITS", &file)]).before(&echo.address).await;
    let program = token(&gateway, Some("integration"), Some("laboratory"));
    for _ in 0..120 {
        assert_eq!(signed_in(&gateway, &program).await.status, 200, "no number an hour");
    }
    let waiting =
        format!("GET /api/v1/patients/wait HTTP/1.1\r\nHost: hms\r\nAuthorization: Bearer {program}\r\n");
    let mut clients = Vec::new();
    for count in 121..123 {
        let mut client = Client::connect(&gateway.address()).await;
        client.head(&waiting).await;
        echo.until_requests(count).await;
        clients.push(client);
    }
    let refused = signed_in(&gateway, &program).await;
    refused.assert_error(429, "RATE_LIMITED");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"concurrent\";q=2;qu=\"concurrent-requests\""));
    assert_eq!(refused.header("ratelimit"), Some("\"concurrent\";r=0"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    let another = token(&gateway, Some("integration"), Some("pharmacy"));
    assert_eq!(signed_in(&gateway, &another).await.status, 200);
    echo.state.release.add_permits(2);
    for mut client in clients {
        assert_eq!(client.answer().await.status, 200);
    }
    assert_eq!(signed_in(&gateway, &program).await.status, 200, "places are free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_of_a_group_have_limits_of_their_own() {
    let echo = Echo::start().await;
    let file = file("group", "[[limit]]\ngroup = \"login\"\nper_minute = 3\nby_address = true\n");
    let gateway = Made::new().limited([("HMS_LIMITS", &file)]).before(&echo.address).await;
    for expected in [200, 200, 200, 429] {
        assert_eq!(gateway.get("/api/v1/auth/login").await.status, expected);
    }
    assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hospital_signs_in_from_one_address_and_a_guesser_does_not() {
    let echo = Echo::start().await;
    let gateway = Made::new().limited([]).before(&echo.address).await;
    let login = async |password: &str, from: &str| {
        let head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: hms\r\nContent-Length: 0\r\n";
        gateway.send(&format!("{head}X-{password}: 1\r\nX-Forwarded-For: {from}\r\n")).await
    };
    for number in 0..200 {
        assert_eq!(login("right", "198.51.100.1").await.status, 200, "{number}: the shift begins");
    }
    for _ in 0..60 {
        assert_eq!(login("wrong", "198.51.100.2").await.status, 401);
    }
    let refused = login("wrong", "198.51.100.2").await;
    refused.assert_error(429, "RATE_LIMITED");
    assert_eq!(refused.json()["error"]["details"]["policy"], "failures-minute");
    assert_eq!(
        login("right", "198.51.100.2").await.status,
        429,
        "who guesses must not learn that this one is right"
    );
    assert_eq!(login("right", "198.51.100.1").await.status, 200);
    gateway.clock.advance(TimeDelta::seconds(62));
    assert_eq!(login("right", "198.51.100.2").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_keys_and_tokens_is_stopped_and_honest_clients_behind_the_address_are_not() {
    let (echo, auth) = (Echo::start().await, AuthService::start().await);
    let gateway = Made::new().asking(&auth).limited([]).before(&echo.address).await;
    let good = token(&gateway, None, None);
    auth.know("hms_1_good", token(&gateway, Some("integration"), Some("1")));
    assert_eq!(asked(&gateway, "X-API-Key: hms_1_good\r\n").await.status, 200);
    for number in 0..30 {
        assert_eq!(asked(&gateway, &format!("X-API-Key: hms_1_{number}\r\n")).await.status, 401);
        assert_eq!(asked(&gateway, &format!("Authorization: Bearer a.b.{number}\r\n")).await.status, 401);
    }
    asked(&gateway, "X-API-Key: hms_1_next\r\n").await.assert_error(429, "RATE_LIMITED");
    asked(&gateway, "Authorization: Bearer a.b.next\r\n").await.assert_error(429, "RATE_LIMITED");
    assert_eq!(auth.exchanges(), 31, "no more guesses reach the auth service");
    assert_eq!(signed_in(&gateway, &good).await.status, 200);
    assert_eq!(asked(&gateway, "X-API-Key: hms_1_good\r\n").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_can_be_off() {
    let echo = Echo::start().await;
    let gateway = Made::new().limited([("HMS_RATE_LIMITS", "off")]).before(&echo.address).await;
    assert_eq!(statuses(&gateway, 120, "").await, vec![200; 120]);
    assert!(asked(&gateway, "").await.header("ratelimit").is_none());
}

/// A file of limits.
fn file(name: &str, text: &str) -> String {
    let path = std::env::temp_dir().join(format!("hms-limits-{name}-{}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}
