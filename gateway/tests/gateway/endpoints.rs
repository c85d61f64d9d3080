//! Services with several endpoints, some of which fail; and services that fail as a whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hms_gateway::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Answer, Client, Echo, Gateway, RawService, Reply, nobody, until};

const GET: &str = "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\n";
const KEYED: &str = "POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\nIdempotency-Key: 1\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const AWAY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\naway";
/// Nothing is left out, so that a test sees only what it is about.
const PLAIN: &str = "health = { interval_ms = 0 }\nejection = { failures = 0 }\nbreaker = { failures = 0 }\n";

/// A service with these endpoints and settings.
fn service(name: &str, resource: &str, endpoints: &[&str], settings: &str) -> String {
    let urls: Vec<_> = endpoints.iter().map(|address| format!("http://{address}")).collect();
    format!(
        "[[upstream]]\nname = {name:?}\nendpoints = {urls:?}\nresources = [{resource:?}]\n\
         [upstream.settings]\n{settings}\n"
    )
}

async fn before(endpoints: &[&str], settings: &str) -> Gateway {
    Gateway::of(&service("user", "patients", endpoints, settings), Limits::default()).await
}

fn reason(answer: &Answer) -> String {
    answer.json()["error"]["details"]["reason"].as_str().unwrap_or_default().to_owned()
}

/// Clients that ask again and again, on connections that they keep.
struct Load {
    done: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    /// Each client sends these requests in turn, and expects 200.
    fn start(gateway: &Gateway, clients: usize, requests: &'static [(&'static str, &'static str)]) -> Self {
        let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let client = |_| {
            let (address, done, answered) = (gateway.address(), Arc::clone(&done), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut client = Client::connect(&address).await;
                for (head, body) in requests.iter().cycle() {
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    client.head(head).await;
                    client.write(body.as_bytes()).await;
                    let answer = client.answer().await;
                    assert_eq!(answer.status, 200, "{head}{}", answer.text());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let tasks = (0..clients).map(client).collect();
        Self { done, answered, tasks }
    }

    /// Waits for so many more answers.
    async fn goes_on(&self, answers: usize) {
        let enough = self.answered.load(Ordering::Relaxed) + answers;
        until("the load goes on", async || {
            assert!(self.tasks.iter().all(|task| !task.is_finished()), "a request failed");
            self.answered.load(Ordering::Relaxed) >= enough
        })
        .await;
    }

    async fn stop(self) -> usize {
        self.done.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.answered.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_are_restarted_one_after_the_other_fail_no_request() {
    let mut endpoints = [Echo::start().await, Echo::start().await];
    let addresses = endpoints.each_ref().map(|endpoint| endpoint.address.clone());
    let settings = "health = { interval_ms = 50, timeout_ms = 50 }";
    let gateway = before(&addresses.each_ref().map(String::as_str), settings).await;
    let load = Load::start(
        &gateway,
        4,
        &[
            ("GET /api/v1/patients/7 HTTP/1.1\r\nHost: hms\r\n", ""),
            (
                "POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\nIdempotency-Key: 1\r\nContent-Length: 4\r\n",
                "body",
            ),
        ],
    );
    for place in [0, 1, 0, 1] {
        load.goes_on(50).await;
        endpoints[place].leave().await;
        load.goes_on(50).await;
        endpoints[place] = Echo::again(&addresses[place]).await;
        until("it is asked again", async || endpoints[place].requests() > 10).await;
    }
    assert!(load.stop().await > 400);
    let tries = "gateway_upstream_failures_total{kind=\"broken\",upstream=\"user\"}";
    assert_eq!(gateway.metric(tries).await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_fail_take_no_other_with_them_and_are_not_flooded() {
    // One breaks every connection, one answers nothing, one refuses connections, one is well.
    let broken = [RawService::start(|_| Reply::Last("")).await, RawService::start(|_| Reply::Last("")).await];
    let (silent, well) = (RawService::start(|_| Reply::Silence).await, Echo::start().await);
    let plain = format!("{PLAIN}retry = {{ floor = 0 }}\n");
    let routes = service("broken", "accounts", &[&broken[0].address, &broken[1].address], &plain)
        + &service("silent", "audit", &[&silent.address], &plain)
        + &service("gone", "departments", &[&nobody().await, &nobody().await], &plain)
        + &service("user", "patients", &[&well.address], &plain);
    let limits = Limits { head: Duration::from_millis(300), ..Limits::default() };
    let gateway = Gateway::of(&routes, limits).await;
    let load = Load::start(&gateway, 4, &[(GET, "")]);
    let failing = async |path: &'static str, status: u16, times: usize| {
        let clients = (0..10).map(|_| {
            let address = gateway.address();
            tokio::spawn(async move {
                let mut client = Client::connect(&address).await;
                for _ in 0..times {
                    client.head(&format!("GET {path} HTTP/1.1\r\nHost: hms\r\n")).await;
                    assert_eq!(client.answer().await.status, status, "{path}");
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        10 * times
    };
    let (sent, slow, refused) = tokio::join!(
        failing("/api/v1/accounts", 502, 50),
        failing("/api/v1/audit", 504, 2),
        failing("/api/v1/departments", 503, 50),
    );
    load.goes_on(100).await;
    load.stop().await;
    let seen = broken[0].heads().len() + broken[1].heads().len();
    println!("{sent} requests were sent {seen} times; {slow} were not answered, {refused} refused");
    assert!(seen > sent, "some of it was tried at the other endpoint");
    assert!(seen * 10 <= sent * 12, "{sent} requests were sent {seen} times");
    assert_eq!(silent.heads().len(), slow, "what was not answered in time is not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_is_left_out() {
    let (bad, good) =
        (RawService::start(|_| Reply::Send(AWAY)).await, RawService::start(|_| Reply::Send(OK)).await);
    let settings =
        "balance = \"round-robin\"\nhealth = { interval_ms = 0 }\nejection = { first_ms = 60000 }\n";
    let gateway = before(&[&bad.address, &good.address], settings).await;
    for _ in 0..40 {
        assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
    }
    assert_eq!(bad.heads().len(), 5, "after five failures in a row it is not asked again");
    assert_eq!(good.heads().len(), 40);
    let usable =
        |address: &str| format!("gateway_endpoint_usable{{endpoint=\"{address}\",upstream=\"user\"}}");
    assert_eq!(gateway.metric(&usable(&bad.address)).await, Some(0.0));
    assert_eq!(gateway.metric(&usable(&good.address)).await, Some(1.0));
    assert_eq!(gateway.metric("gateway_upstream_retries_total{upstream=\"user\"}").await, Some(5.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_answer_is_passed_on_where_there_is_no_other_endpoint() {
    let away = RawService::start(|_| Reply::Send(AWAY)).await;
    let gateway = before(&[&away.address], PLAIN).await;
    let answer = gateway.get("/api/v1/patients").await;
    assert_eq!((answer.status, answer.text().as_str()), (503, "away"));
    assert_eq!(away.heads().len(), 1);
}

/// Reads the head of each request, and closes the connection before it has read the body.
async fn closes_after_the_head() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            counted.fetch_add(1, Ordering::SeqCst);
            let _gone = stream.shutdown().await;
        }
    });
    (address, heads)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_written_body_is_never_sent_again() {
    let ((one, first), (other, second)) = (closes_after_the_head().await, closes_after_the_head().await);
    let gateway = before(&[&one, &other], PLAIN).await;
    let sent = || first.load(Ordering::SeqCst) + second.load(Ordering::SeqCst);
    for (number, framing) in
        ["Content-Length: 10\r\n", "Transfer-Encoding: chunked\r\n"].into_iter().enumerate()
    {
        let mut client = Client::connect(&gateway.address()).await;
        client.head(&format!("{KEYED}{framing}")).await;
        client.write(if number == 0 { b"half" } else { b"4\r\nhalf\r\n" }).await;
        client.answer().await.assert_error(502, "BAD_GATEWAY");
        assert_eq!(sent(), number + 1, "{framing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_body_is_sent_again_and_a_large_one_is_not() {
    let settings = format!("balance = \"round-robin\"\n{PLAIN}retry = {{ body_bytes = 100 }}\n");
    for (length, key, status) in [(100, true, 200), (100, false, 502), (101, true, 502), (0, true, 200)] {
        // The first to be asked takes the request and breaks the connection.
        let (bad, echo) = (RawService::start(|_| Reply::Last("")).await, Echo::start().await);
        let gateway = before(&[&bad.address, &echo.address], &settings).await;
        let key = if key { "Idempotency-Key: 1\r\n" } else { "" };
        let head =
            format!("POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\n{key}Content-Length: {length}\r\n");
        let answer = gateway.send_body(&head, &vec![b'x'; length]).await;
        assert_eq!(answer.status, status, "{length} {key}");
        assert_eq!(bad.heads().len(), 1);
        if status == 200 {
            assert_eq!(answer.json()["length"], length, "nothing of it was lost");
        }
        assert_eq!(echo.requests(), usize::from(status == 200));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_answers_nothing_is_left_alone_until_it_does() {
    let address = nobody().await;
    let settings = "health = { interval_ms = 0 }\nbreaker = { failures = 3, open_ms = 500, trials = 1 }\n";
    let gateway = before(&[&address], settings).await;
    let state = "gateway_upstream_breaker_state{upstream=\"user\"}";
    for _ in 0..3 {
        assert_eq!(reason(&gateway.get("/api/v1/patients").await), "unreachable");
    }
    assert_eq!(gateway.metric(state).await, Some(2.0));
    let answer = gateway.get("/api/v1/patients").await;
    answer.assert_error(503, "UNAVAILABLE");
    assert_eq!((reason(&answer).as_str(), answer.header("retry-after")), ("breaker_open", Some("1")));

    let echo = Echo::again(&address).await;
    until("it is tried again", async || gateway.get("/api/v1/patients").await.status == 200).await;
    assert_eq!(gateway.metric(state).await, Some(0.0));
    assert_eq!(gateway.metric("gateway_upstream_breaker_opened_total{upstream=\"user\"}").await, Some(1.0));
    assert!(echo.requests() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_started_again_is_not_kept_waiting_by_the_breaker() {
    let address = nobody().await;
    let settings = "health = { interval_ms = 20, timeout_ms = 20 }\n\
                    breaker = { failures = 1, open_ms = 600000, longest_ms = 600000, trials = 1 }\n";
    let gateway = before(&[&address], settings).await;
    assert_eq!(reason(&gateway.get("/api/v1/patients").await), "unreachable");
    assert_eq!(reason(&gateway.get("/api/v1/patients").await), "breaker_open");
    let usable = format!("gateway_endpoint_usable{{endpoint=\"{address}\",upstream=\"user\"}}");
    until("it is known to be down", async || gateway.metric(&usable).await == Some(0.0)).await;
    let _echo = Echo::again(&address).await;
    until("it is tried again", async || gateway.get("/api/v1/patients").await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_service_takes_no_more_than_its_part() {
    let (slow, quick) = (Echo::start().await, Echo::start().await);
    let routes =
        service("user", "patients", &[&slow.address], &format!("{PLAIN}bounds = {{ requests = 2 }}\n"))
            + &service("audit", "audit", &[&quick.address], PLAIN);
    let gateway = Gateway::of(&routes, Limits::default()).await;
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let address = gateway.address();
            tokio::spawn(async move { crate::support::get(&address, "/api/v1/patients/wait").await.status })
        })
        .collect();
    until("both are under way", async || slow.requests() == 2).await;
    let answer = gateway.get("/api/v1/patients").await;
    answer.assert_error(503, "UNAVAILABLE");
    assert_eq!((reason(&answer).as_str(), answer.header("retry-after")), ("full", Some("1")));
    assert_eq!(gateway.get("/api/v1/audit").await.status, 200);
    slow.state.release.add_permits(2);
    for request in waiting {
        assert_eq!(request.await.unwrap(), 200);
    }
    until("there is room again", async || gateway.get("/api/v1/patients").await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_down_is_known_before_a_client_meets_it() {
    let (one, mut other) = (Echo::start().await, Echo::start().await);
    let settings = "health = { interval_ms = 20, timeout_ms = 20, unhealthy = 2, healthy = 2 }\n";
    let gateway = before(&[&one.address, &other.address], settings).await;
    let address = other.address.clone();
    let usable = format!("gateway_endpoint_usable{{endpoint=\"{address}\",upstream=\"user\"}}");
    other.leave().await;
    until("it is known to be down", async || gateway.metric(&usable).await == Some(0.0)).await;
    for _ in 0..20 {
        let answer = gateway.send_body(&format!("{KEYED}Content-Length: 0\r\n"), b"").await;
        assert_eq!(answer.status, 200);
    }
    other = Echo::again(&address).await;
    until("it is known to be back", async || gateway.metric(&usable).await == Some(1.0)).await;
    until("it is used again", async || {
        assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
        other.requests() > 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_have_limits_and_notices_of_their_own() {
    let echo = Echo::start().await;
    let text = service("user", "patients", &[&echo.address], PLAIN)
        + "[[group]]\nname = \"small\"\nbody_limit = 4\n[[group]]\nname = \"large\"\nbody_limit = 2097152\n\
           [[route]]\nprefix = \"patients/old\"\nupstream = \"user\"\ngroup = \"small\"\n\
           deprecation = { date = 2026-01-01, link = \"https://hms.example/old\" }\n\
           sunset = { date = 2027-01-01 }\n\
           [[route]]\nprefix = \"patients/*/photo\"\nupstream = \"user\"\ngroup = \"large\"\n";
    let gateway = Gateway::of(&text, Limits::default()).await;
    let post = async |path: &str, length: usize| {
        let head =
            format!("POST /api/v1/patients{path} HTTP/1.1\r\nHost: hms\r\nContent-Length: {length}\r\n");
        gateway.send_body(&head, &vec![b'x'; length]).await
    };
    assert_eq!(post("/old", 4).await.status, 200);
    post("/old/7", 5).await.assert_error(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(post("/7/photo", 2 * 1024 * 1024).await.status, 200);
    assert_eq!(post("/7", 2 * 1024 * 1024).await.status, 413);

    let old = gateway.get("/api/v1/patients/old/7").await;
    assert_eq!(old.header("deprecation"), Some("@1767225600"));
    assert_eq!(old.header("sunset"), Some("Fri, 01 Jan 2027 00:00:00 GMT"));
    assert_eq!(
        old.header("link"),
        Some("<https://hms.example/old>; rel=\"deprecation\"; type=\"text/html\"")
    );
    assert_eq!(gateway.get("/api/v1/patients/7").await.header("deprecation"), None);
}
