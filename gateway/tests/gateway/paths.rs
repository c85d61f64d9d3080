//! One spelling of each path reaches a service; what has two meanings reaches none.

use hms_gateway::Limits;

use crate::support::{Echo, Gateway, upstream};

#[tokio::test(flavor = "multi_thread")]
async fn all_spellings_of_a_path_are_one() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    for path in [
        "/api/v1/patients/7",
        "/api/v1/patients/7/",
        "/api/patients/7",
        "/api/patients/7/",
        "/v1/patients/7",
        "/v1/patients/7/",
        "/api/v1/p%61tients/%37",
        "http://elsewhere.example/api/patients/7/",
    ] {
        let answer = gateway.get(&format!("{path}?search=a%2Fb&page=2")).await;
        assert_eq!(answer.status, 200, "{path}");
        let seen = answer.json();
        assert_eq!(seen["path"], "/api/v1/patients/7", "{path}");
        assert_eq!(seen["query"], "search=a%2Fb&page=2", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_paths_reach_no_service() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    for path in [
        "//api/v1/patients",
        "/api//v1/patients",
        "/api/v1/patients//7",
        "/api/v1/patients/./7",
        "/api/v1/patients/../accounts",
        "/api/v1/patients/%2e%2e/accounts",
        "/api/v1/patients/.%2E/accounts",
        "/api/v1/patients%2F7",
        "/api/v1/patients/..%2f..%2faccounts",
        "/api/v1/patients%5c7",
        "/api/v1/patients/7%00",
        "/api/v1/patients/7%0d%0aX-HMS-Role:%20admin",
        "/api/v1/patients/%",
        "/api/v1/patients/%7",
        "/api/v1/patients/%g1",
        "/api/v1/patients/%252e%252e",
        "/api/v1/patients/%ff%fe",
        "/api/docs/../v1/patients",
        "/health/%2e%2e/metrics",
    ] {
        gateway.get(path).await.assert_error(400, "INVALID_PATH");
    }
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_at_all_is_refused_before_it_is_looked_at() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    for head in [
        "GET /api/v1/patients/\u{1} HTTP/1.1\r\nHost: hms\r\n",
        "GET /api/v1/patients HTTP/1.1\r\n",
        "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nHost: other\r\n",
        "GET /api/v1/patients HTTP/1.1\r\nHost : hms\r\n",
    ] {
        assert_eq!(gateway.send(head).await.status, 400, "{head}");
    }
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_route_is_404_in_the_envelope() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    for path in [
        "/",
        "/patients",
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/bookings/7",
        "/api/v2/patients",
        "/v1/Patients",
        "/healthy",
    ] {
        gateway.get(path).await.assert_error(404, "ROUTE_NOT_FOUND");
    }
    gateway
        .send("POST /nothing HTTP/1.1\r\nHost: hms\r\nContent-Length: 0\r\n")
        .await
        .assert_error(404, "ROUTE_NOT_FOUND");
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_service_has_is_found_by_its_name() {
    let (user, audit) = (Echo::start().await, Echo::start().await);
    let routes =
        upstream("user", &user.address, &["patients"]) + &upstream("audit", &audit.address, &["audit"]);
    let gateway = Gateway::of(&routes, Limits::default()).await;
    let answer = gateway.get("/api/services/audit/dead-letters/?kind=audit.recorded").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = answer.json();
    assert_eq!(seen["path"], "/api/v1/services/audit/dead-letters");
    assert_eq!(seen["query"], "kind=audit.recorded");
    assert_eq!((user.requests(), audit.requests()), (0, 1));
    for path in ["/api/v1/services", "/api/v1/services/billing/dead-letters", "/api/v1/services/patients"] {
        gateway.get(path).await.assert_error(404, "ROUTE_NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_make_a_proxy_of_the_gateway_are_refused() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let connect = format!("CONNECT {} HTTP/1.1\r\nHost: hms\r\n", echo.address);
    gateway.send(&connect).await.assert_error(405, "METHOD_NOT_ALLOWED");
    gateway
        .send("TRACE /api/v1/patients HTTP/1.1\r\nHost: hms\r\n")
        .await
        .assert_error(405, "METHOD_NOT_ALLOWED");
    assert_eq!(echo.requests(), 0);
}
