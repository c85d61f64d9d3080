//! Text messages to a provider that asks for what Twilio asks for, strictly.

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use chrono::TimeDelta;
use parking_lot::Mutex;
use serde_json::json;

use super::*;

type Taken = Arc<Mutex<Vec<BTreeMap<String, String>>>>;

/// It starts; the texts that it takes are in what is given, beside where it is.
fn provider() -> (String, Taken) {
    let taken = Taken::default();
    let data = Data::new(Arc::clone(&taken));
    let app = move || App::new().app_data(data.clone()).default_service(web::to(take));
    let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0].to_string();
    tokio::spawn(server.run());
    (address, taken)
}

async fn take(taken: Data<Taken>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let refused = |status: u16, code: i64, to: &str| {
        let mut answer = HttpResponse::build(status.try_into().unwrap());
        if status == 429 {
            answer.insert_header((header::RETRY_AFTER, "7"));
        }
        answer.json(json!({ "code": code, "message": format!("{to} is not right"), "status": status }))
    };
    let head = |name| request.headers().get(name).map(|value| value.to_str().unwrap());
    if head(header::AUTHORIZATION) != Some("Basic QUMxOnQwa2Vu") {
        return refused(401, 20_003, "");
    }
    let path = (request.method().as_str(), request.path());
    if path != ("POST", "/2010-04-01/Accounts/AC1/Messages.json") {
        return refused(404, 20_404, "");
    }
    assert_eq!(head(header::CONTENT_TYPE), Some("application/x-www-form-urlencoded"));
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let fields: Vec<&str> = form.keys().map(String::as_str).collect();
    assert!(
        matches!(fields[..], ["Body", "From", "To"] | ["Body", "MessagingServiceSid", "To"]),
        "{fields:?}"
    );
    match form["To"].as_str() {
        to @ "+15005550001" => refused(400, 21_211, to),
        to @ "+15005550002" => refused(400, 21_610, to),
        to @ "+15005550003" => refused(429, 20_429, to),
        to @ "+15005550004" => refused(503, 20_503, to),
        _ => {
            taken.lock().push(form);
            HttpResponse::Created().json(json!({ "sid": "SM7", "status": "queued" }))
        }
    }
}

fn world(address: &str, account: &str, sender: &str) -> World {
    World::new(&[("SMS_URL", &format!("twilio+http://{account}@{address}?{sender}"))])
}

#[tokio::test]
async fn a_text_arrives_with_its_sender() {
    let (address, taken) = provider();
    let number = "from=%2B14155550100";
    for (sender, field, value) in
        [(number, "From", "+14155550100"), ("messaging_service=MG7", "MessagingServiceSid", "MG7")]
    {
        let receipt = world(&address, "AC1:t0ken", sender).send(Address::Sms("+14155552671")).await.unwrap();
        assert_eq!(receipt.provider_id.as_deref(), Some("SM7"));
        let form = taken.lock().pop().unwrap();
        assert_eq!(form[field], value);
        assert_eq!(
            (form["To"].as_str(), form["Body"].as_str()),
            ("+14155552671", "Tomorrow at nine, Grüße.")
        );
    }
    let world = world(&address, "AC1:t0ken", number);
    world.send_with(Address::Sms("+14155552671"), &"ß".repeat(2_000), None).await.unwrap();
    let text = taken.lock().pop().unwrap().remove("Body").unwrap();
    assert_eq!(text, "ß".repeat(1_599) + "…");
}

#[tokio::test]
async fn a_refusal_means_what_its_code_says() {
    let (address, taken) = provider();
    let cases = [
        ("+15005550001", "never", "the provider did not take it: 400, code 21211"),
        ("+15005550002", "gone", "the recipient wants no text messages"),
        ("+15005550004", "later", "the provider did not take it: 503, code 20503"),
    ];
    let world = self::world(&address, "AC1:t0ken", "from=CLINIC");
    for (to, expected, reason) in cases {
        let outcome = world.send(Address::Sms(to)).await;
        assert_eq!(kind(&outcome), expected, "{to}");
        assert_eq!(outcome.unwrap_err().to_string(), reason);
    }
    for account in ["AC1:wr0ng", "AC2:t0ken"] {
        let outcome = self::world(&address, account, "from=CLINIC").send(Address::Sms("+14155552671")).await;
        assert_eq!(kind(&outcome), "later", "{account}");
        assert!(!format!("{outcome:?}").contains("wr0ng"));
    }
    assert!(taken.lock().is_empty());
}

#[tokio::test]
async fn who_asks_for_rest_gets_it() {
    let (address, taken) = provider();
    let world = world(&address, "AC1:t0ken", "from=CLINIC");
    let asked = world.send(Address::Sms("+15005550003")).await.unwrap_err();
    let (reason, retry_after) =
        ("the provider did not take it: 429, code 20429".into(), Some(TimeDelta::seconds(7)));
    assert_eq!(asked, SendError::Later { reason, retry_after });
    let next = world.send(Address::Sms("+14155552671")).await;
    assert_eq!(next, Err(SendError::Busy { wait: TimeDelta::seconds(7) }));
    assert!(taken.lock().is_empty(), "nothing was sent meanwhile");
}
