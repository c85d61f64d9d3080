//! Push messages to a browser: decrypted by http_ece and checked by PyJWT, which nobody here wrote.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use hms_model::Secret;
use serde_json::json;
use tokio::net::TcpListener;

use super::other::{Certificate, Other};
use super::*;

const CONTACT: (&str, &str) = ("WEB_PUSH_URL", "mailto:it@clinic.example");

async fn service() -> (Other, Certificate) {
    let certificate = Certificate::new();
    (Other::start(&["push.py"], &certificate).await, certificate)
}

fn world(certificate: &Certificate, more: &[(&str, &str)], lookup: Arc<dyn Lookup>) -> World {
    let chain = certificate.chain().display().to_string();
    let settings = [CONTACT, ("HMS_OUTGOING_CA_FILE", chain.as_str())];
    World::with(&[settings.as_slice(), more].concat(), lookup)
}

fn subscription(service: &Other, url: &str) -> PushTarget {
    let key = |name: &str| service.hello[name].as_str().unwrap().to_owned();
    PushTarget::Web { endpoint: Secret::new(url), p256dh: key("p256dh"), auth: Secret::new(key("auth")) }
}

#[tokio::test]
async fn only_the_browser_reads_it_and_the_service_knows_who_sent_it() {
    let (mut service, certificate) = service().await;
    let inside = [("HMS_PUSH_ALLOW_PRIVATE", "127.0.0.0/8")];
    let world = world(&certificate, &inside, Arc::new(OfTheMachine));
    let ann = subscription(&service, &format!("https://localhost:{}/201", service.port()));
    let receipt = world.send(Address::Push(&ann)).await.unwrap();
    assert_eq!(receipt.provider_id.as_deref(), Some("https://push.test/message/7"));
    let came = service.next().await;
    assert_eq!(came["message"]["title"], "Appointment — booked");
    assert_eq!(came["message"]["body"], "Tomorrow at nine, Grüße.");
    let until = world.clock.now().timestamp() + 12 * 60 * 60;
    let sender =
        json!({ "key": world.channels.push_key(), "contact": "mailto:it@clinic.example", "until": until });
    assert_eq!(came["sender"], sender);
    assert_eq!((&came["headers"]["TTL"], &came["headers"]["Urgency"]), (&json!("86400"), &json!("normal")));
    assert_eq!(came["headers"]["Topic"].as_str().unwrap().len(), 22);
    world.send_with(Address::Push(&ann), &"\"ä".repeat(5_000), None).await.unwrap();
    assert!(service.next().await["message"]["body"].as_str().unwrap().ends_with('…'));
}

#[tokio::test]
async fn an_answer_means_what_its_status_says() {
    let (mut service, certificate) = service().await;
    let inside = [("HMS_PUSH_ALLOW_PRIVATE", "127.0.0.0/8")];
    let world = world(&certificate, &inside, Arc::new(OfTheMachine));
    for (status, expected) in [
        (404, "gone"),
        (410, "gone"),
        (429, "later, as asked"),
        (503, "later, as asked"),
        (500, "later"),
        (400, "never"),
        (403, "never"),
        (413, "never"),
        (307, "never"),
    ] {
        let ann = subscription(&service, &format!("https://127.0.0.1:{}/{status}", service.port()));
        assert_eq!(kind(&world.send(Address::Push(&ann)).await), expected, "{status}");
        assert_eq!(service.next().await["path"], format!("/{status}"));
    }
    let ann = subscription(&service, &format!("https://127.0.0.1:{}/201", service.port()));
    let stranger = self::world(&Certificate::new(), &inside, Arc::new(OfTheMachine));
    assert_eq!(kind(&stranger.send(Address::Push(&ann)).await), "later", "its certificate is not trusted");
}

/// Every name leads to this address.
struct Leads(&'static str);

impl Lookup for Leads {
    fn look_up(&self, _: &str) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>> {
        let address = SocketAddr::new(self.0.parse().unwrap(), 0);
        Box::pin(async move { Ok(vec![address]) })
    }
}

/// An endpoint is an address that anybody may have made up.
#[tokio::test]
async fn no_endpoint_leads_inside() {
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while inside.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let (service, certificate) = service().await;
    // The net of this listener is not among those that are allowed.
    let other_net = [("HMS_PUSH_ALLOW_PRIVATE", "10.20.0.0/16")];
    let strict = world(&certificate, &[], Arc::new(Leads("127.0.0.1")));
    let loose = world(&certificate, &other_net, Arc::new(Leads("127.0.0.1")));
    for (world, url, expected) in [
        (&strict, format!("https://127.0.0.1:{port}/"), "gone"),
        (&strict, format!("https://push.example:{port}/"), "gone"),
        (&strict, "https://169.254.169.254/latest/meta-data/".into(), "gone"),
        (&strict, "https://localhost/".into(), "gone"),
        (&strict, "https://push.example/".into(), "never"),
        (&loose, format!("https://127.0.0.1:{port}/"), "gone"),
        (&loose, format!("https://push.example:{port}/"), "never"),
        (&loose, format!("http://push.example:{port}/"), "gone"),
    ] {
        let target = subscription(&service, &url);
        let outcome = world.send(Address::Push(&target)).await;
        assert_eq!(kind(&outcome), expected, "{url}: {outcome:?}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}
