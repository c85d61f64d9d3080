//! A gateway that stops: it says so first, and loses no request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hms_gateway::Edge;
use parking_lot::Mutex;

use crate::support::{Client, Echo, Gateway};

const DRAIN: Duration = Duration::from_millis(500);
const GET: &str = "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\n";

async fn gateway(address: &str) -> Gateway {
    Gateway::edge(address, Edge { drain: DRAIN, ..Edge::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_is_alive_but_not_ready_and_finishes_what_it_has() {
    let echo = Echo::start().await;
    let gateway = gateway(&echo.address).await;
    let address = gateway.address();
    assert_eq!(gateway.get("/health/ready").await.status, 200);
    let mut waiting = Client::connect(&address).await;
    waiting.head("GET /api/v1/patients/wait HTTP/1.1\r\nHost: hms\r\n").await;
    let mut kept = Client::connect(&address).await;
    kept.head(GET).await;
    assert_eq!(kept.answer().await.header("connection"), None);
    while echo.requests() < 2 {
        tokio::task::yield_now().await;
    }
    let draining = tokio::spawn(gateway.running.drain());
    while crate::support::get(&address, "/health/ready").await.status != 503 {}
    assert_eq!(crate::support::get(&address, "/health").await.status, 200);
    // It serves as before, and says goodbye with each answer.
    kept.head(GET).await;
    let last = kept.answer().await;
    assert_eq!((last.status, last.header("connection")), (200, Some("close")));
    assert!(kept.is_closed().await);
    while Client::try_connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!draining.is_finished());
    echo.state.release.add_permits(1);
    assert_eq!(waiting.answer().await.text(), "waited");
    draining.await.unwrap().unwrap();
}

/// A balancer as simple as can be: it knows who is ready, and tries the next one where a connection is refused.
#[derive(Clone, Default)]
struct Balancer {
    ready: Arc<Mutex<Vec<String>>>,
    next: Arc<AtomicUsize>,
    done: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
}

impl Balancer {
    fn pick(&self) -> String {
        let ready = self.ready.lock();
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        ready[next % ready.len()].clone()
    }

    async fn connect(&self) -> Client {
        loop {
            match Client::open(&self.pick()).await {
                Ok(client) => return client,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused),
            }
        }
    }

    /// Asks again and again, over one connection as long as it is kept. Whatever fails after the connection
    /// was made is a lost request, and ends the test.
    async fn load(self) {
        let mut client = self.connect().await;
        while !self.done.load(Ordering::Relaxed) {
            client.head(GET).await;
            let answer = client.answer().await;
            assert_eq!(answer.status, 200);
            assert!(answer.whole);
            self.served.fetch_add(1, Ordering::Relaxed);
            if answer.header("connection") == Some("close") {
                client = self.connect().await;
            }
        }
    }

    /// Replaces one gateway by another, as a rolling update does: the new one first.
    async fn replace(&self, old: Gateway, new: &Gateway) {
        let (from, to) = (old.address(), new.address());
        assert_eq!(new.get("/health/ready").await.status, 200);
        self.ready.lock().push(to);
        let draining = tokio::spawn(old.running.drain());
        while crate::support::get(&from, "/health/ready").await.status != 503 {}
        self.ready.lock().retain(|address| *address != from);
        draining.await.unwrap().unwrap();
    }

    /// Waits until so many more requests were served.
    async fn serve(&self, more: usize) {
        let goal = self.served.load(Ordering::Relaxed) + more;
        while self.served.load(Ordering::Relaxed) < goal {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_loses_no_request() {
    let echo = Echo::start().await;
    let (first, second) = (gateway(&echo.address).await, gateway(&echo.address).await);
    let balancer = Balancer::default();
    balancer.ready.lock().extend([first.address(), second.address()]);
    let load: Vec<_> = (0..8).map(|_| tokio::spawn(balancer.clone().load())).collect();
    balancer.serve(200).await;
    let (third, fourth) = (gateway(&echo.address).await, gateway(&echo.address).await);
    balancer.replace(first, &third).await;
    balancer.serve(100).await;
    balancer.replace(second, &fourth).await;
    balancer.serve(200).await;
    balancer.done.store(true, Ordering::Relaxed);
    for client in load {
        client.await.unwrap();
    }
    let served = balancer.served.load(Ordering::Relaxed);
    println!("{served} requests over two restarts, none lost");
    assert_eq!(echo.requests(), served);
}
