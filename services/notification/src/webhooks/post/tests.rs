//! What is connected to, with a resolver of our own.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use hms_model::id::Id;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::domain::webhook::{Signing, SigningKey};

/// Answers with the next of these each time it is asked, and with the last for ever.
struct Changing {
    answers: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
}

impl Changing {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers =
            answers.iter().map(|all| all.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect());
        Arc::new(Self { answers: answers.collect(), asked: AtomicUsize::new(0) })
    }
}

impl Lookup for Changing {
    fn look_up(
        &self,
        _: &str,
    ) -> std::pin::Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[turn].clone();
        Box::pin(async move { Ok(answer) })
    }
}

/// A receiver that counts who comes, and closes each connection after its answer.
async fn receiver(listener: TcpListener, answer: &'static str) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = vec![0; 8192];
            let _read = stream.read(&mut request).await;
            let _written = stream.write_all(answer.as_bytes()).await;
        }
    });
    calls
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

fn poster(rules: AddressRules, lookup: Arc<dyn Lookup>) -> Poster {
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    Poster::new(rules, Duration::from_secs(5), lookup).unwrap()
}

async fn post(poster: &Poster, url: &str) -> Outcome {
    let keys = [SigningKey::of(Signing::Shared, vec![1; 32]).unwrap()];
    let (event_id, at) = (Id::new(DateTime::UNIX_EPOCH), DateTime::UNIX_EPOCH);
    poster.post(Request { url, event_id, payload: "{}", at, keys: &keys.iter().collect::<Vec<_>>() }).await
}

fn rules(private: &str) -> AddressRules {
    AddressRules { allow_http: true, private: private.parse().unwrap() }
}

#[tokio::test]
async fn a_name_that_turns_inside_is_refused_when_it_does() {
    // 127.0.0.2 stands for the public network, 127.0.0.1 for what is inside; both answer on the same port.
    let outside = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = outside.local_addr().unwrap().port();
    let inside = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let (outside, inside) = (receiver(outside, OK).await, receiver(inside, OK).await);
    let lookup = Changing::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let poster = poster(rules("127.0.0.2/32"), lookup.clone());
    let url = format!("http://rebinding.example:{port}/hook");

    let first = post(&poster, &url).await;
    assert_eq!((first.status, first.body.as_deref()), (Some(200), Some("ok")), "{first:?}");
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 1, "what was checked is what is connected to");
    let second = post(&poster, &url).await;
    assert_eq!((second.status, lookup.asked.load(Ordering::SeqCst)), (None, 2));
    assert_eq!(second.error.as_deref(), Some("the name must lead to the public network"));
    assert_eq!((outside.load(Ordering::SeqCst), inside.load(Ordering::SeqCst)), (1, 0));
}

#[tokio::test]
async fn one_address_inside_refuses_a_name_altogether() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = receiver(listener, OK).await;
    for hidden in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"] {
        let poster = poster(rules("127.0.0.2/32"), Changing::new(&[&["8.8.8.8", hidden]]));
        let outcome = post(&poster, &format!("http://mixed.example:{port}/")).await;
        assert_eq!(outcome.error.as_deref(), Some("the name must lead to the public network"), "{hidden}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_address_in_the_url_is_checked_at_each_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = receiver(listener, OK).await;
    let lookup = Changing::new(&[&["8.8.8.8"]]);
    let strict = poster(AddressRules { allow_http: true, ..AddressRules::default() }, lookup.clone());
    let outcome = post(&strict, &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(outcome.error.as_deref(), Some("the URL must lead to the public network"));
    assert_eq!((calls.load(Ordering::SeqCst), lookup.asked.load(Ordering::SeqCst)), (0, 0));
    let outcome = post(&poster(rules("true"), lookup), &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!((outcome.status, calls.load(Ordering::SeqCst)), (Some(200), 1));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    const AWAY: &str = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let calls = receiver(listener, AWAY).await;
    let outcome = post(&poster(rules("true"), Changing::new(&[&["8.8.8.8"]])), &url).await;
    assert_eq!((outcome.status, calls.load(Ordering::SeqCst)), (Some(307), 1));
    assert_eq!(outcome.reason(), "answered 307: redirects are not followed");
}

#[tokio::test]
async fn a_long_answer_is_cut_and_a_silent_one_ends_in_time() {
    let long: &'static str = format!(
        "HTTP/1.1 500 No\r\ncontent-length: 100000\r\nconnection: close\r\n\r\n{}",
        "x".repeat(100_000)
    )
    .leak();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    receiver(listener, long).await;
    let lookup = Changing::new(&[&["8.8.8.8"]]);
    let outcome = post(&poster(rules("true"), lookup.clone()), &url).await;
    assert_eq!((outcome.status, outcome.body.map(|body| body.len())), (Some(500), Some(KEPT)));

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let hasty = Poster { within: Duration::from_millis(50), ..poster(rules("true"), lookup) };
    assert_eq!(post(&hasty, &url).await.error.as_deref(), Some("no answer within 50 ms"));
}
