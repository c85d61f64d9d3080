//! The payment provider: a real HTTP server that speaks as Stripe does, and its signed webhooks.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use hms_testkit::{Answer, on_both_back_ends, until};
use parking_lot::Mutex;
use ring::hmac;
use serde_json::{Value, json};

use crate::common::{PAYMENTS, World, eur};

const SECRET: &str = "whsec_of_the_test";
const WEBHOOK: &str = "/api/v1/billing/payments/webhook";

/// What the provider has been asked for, by idempotency key; and how often it still answers 503.
#[derive(Default)]
struct Asked {
    intents: HashMap<String, Value>,
    refunds: HashMap<String, Value>,
    requests: usize,
    failures: usize,
}

type Shared = Arc<Mutex<Asked>>;

async fn provider() -> (String, Shared) {
    let asked = Shared::default();
    let data = Data::new(asked.clone());
    let app = move || {
        App::new()
            .app_data(data.clone())
            .route("/v1/payment_intents", web::post().to(intent))
            .route("/v1/refunds", web::post().to(refund))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    tokio::spawn(server.run());
    (url, asked)
}

fn form(body: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

/// The idempotency key of a request that may be answered.
fn admitted(asked: &Shared, request: &HttpRequest) -> Result<String, StatusCode> {
    let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
    let mut asked = asked.lock();
    asked.requests += 1;
    if header("authorization") != "Bearer sk_test" {
        return Err(StatusCode::UNAUTHORIZED);
    }
    if asked.failures > 0 {
        asked.failures -= 1;
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(header("idempotency-key"))
}

async fn intent(asked: Data<Shared>, request: HttpRequest, body: String) -> HttpResponse {
    let key = match admitted(&asked, &request) {
        Ok(key) => key,
        Err(status) => return HttpResponse::build(status).finish(),
    };
    let form = form(&body);
    if form["amount"] == "666" {
        return HttpResponse::BadRequest().json(json!({ "error": { "type": "invalid_request_error" } }));
    }
    let mut asked = asked.lock();
    let number = asked.intents.len() + 1;
    let made = asked.intents.entry(key).or_insert_with(|| {
        json!({
            "id": format!("pi_{number}"), "object": "payment_intent", "client_secret": format!("pi_{number}_secret"),
            "amount": form["amount"].parse::<i64>().unwrap(), "currency": form["currency"],
            "metadata": { "payment_id": form["metadata[payment_id]"] }, "status": "requires_payment_method",
        })
    });
    HttpResponse::Ok().json(made)
}

async fn refund(asked: Data<Shared>, request: HttpRequest, body: String) -> HttpResponse {
    let key = match admitted(&asked, &request) {
        Ok(key) => key,
        Err(status) => return HttpResponse::build(status).finish(),
    };
    let form = form(&body);
    let made = json!({
        "id": "re_1", "object": "refund", "amount": form["amount"], "payment_intent": form["payment_intent"],
        "status": if form["amount"] == "13" { "failed" } else { "succeeded" },
    });
    asked.lock().refunds.insert(key, made.clone());
    HttpResponse::Ok().json(made)
}

async fn start(backend: hms_testkit::Backend) -> (World, Shared) {
    let (url, asked) = provider().await;
    let settings = [
        ("HMS_PAYMENT_PROVIDER_URL", url.as_str()),
        ("HMS_PAYMENT_PROVIDER_KEY", "sk_test"),
        ("HMS_PAYMENT_WEBHOOK_SECRET", SECRET),
    ];
    (World::start_with(backend, &settings).await, asked)
}

async fn tell(world: &World, kind: &str, object: Value, secret: &str) -> Answer {
    let body =
        serde_json::to_vec(&json!({ "id": "evt_1", "type": kind, "data": { "object": object } })).unwrap();
    let time = world.app.clock.now().timestamp();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, &[format!("{time}.").as_bytes(), &body].concat());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("t={time},v1={hex}");
    let headers = [("content-type", "application/json"), ("stripe-signature", signature.as_str())];
    world.app.anonymous().request("POST", WEBHOOK, &headers, Some(body)).await
}

/// A card payment, once the provider knows of it.
async fn with_provider(world: &World, bill: &Value, cents: i64) -> Value {
    let body =
        json!({ "invoice_id": bill["id"], "method": "card", "amount": eur(cents), "by_provider": true });
    let payment = world.desk.post(PAYMENTS, &body).await;
    assert_eq!(payment.expect(201)["status"], "pending");
    shown(world, &payment.body, |payment| !payment["provider_reference"].is_null()).await
}

async fn shown(world: &World, payment: &Value, is: impl Fn(&Value) -> bool) -> Value {
    let path = format!("{PAYMENTS}/{}", payment["id"].as_str().unwrap());
    until("the provider", 20, async || {
        Some(world.books.get(&path).await.expect(200).body.clone()).filter(|payment| is(payment))
    })
    .await
}

fn intent_of(payment: &Value) -> Value {
    json!({
        "id": payment["provider_reference"], "amount_received": payment["amount"]["amount"], "currency": "eur",
        "metadata": { "payment_id": payment["id"] },
    })
}

on_both_back_ends! {
    async fn a_card_payment_is_taken_when_the_provider_says_so(backend) {
        let (world, asked) = start(backend).await;
        asked.lock().failures = 1;
        let patient = world.patient().await;
        let bill = world.issued(patient, 1_000).await;
        let payment = with_provider(&world, &bill, 1_000).await;
        assert_eq!((&payment["status"], &payment["client_secret"]), (&json!("pending"), &json!("pi_1_secret")));
        assert_eq!(asked.lock().intents.len(), 1, "once, though the first try failed");
        assert_eq!(world.balances(&["1020", "1100"]).await, [0, 1_000]);
        let succeeded = "payment_intent.succeeded";
        tell(&world, succeeded, intent_of(&payment), "whsec_of_another").await.expect_problem(400, "INVALID_REQUEST");
        let mut less = intent_of(&payment);
        less["amount_received"] = json!(999);
        tell(&world, succeeded, less, SECRET).await.expect_problem(422, "UNPROCESSABLE");
        assert_eq!(world.balances(&["1020", "1100"]).await, [0, 1_000]);
        for _ in 0..2 {
            tell(&world, succeeded, intent_of(&payment), SECRET).await.expect(204);
        }
        assert_eq!(world.invoice(&bill["id"]).await["status"], "paid");
        assert_eq!(world.balances(&["1020", "1100"]).await, [1_000, 0]);
        tell(&world, "charge.updated", json!({}), SECRET).await.expect(204);
        let unknown = json!({ "id": "pi_99", "amount_received": 1, "currency": "eur" });
        tell(&world, succeeded, unknown, SECRET).await.expect_problem(404, "NOT_FOUND");
        world.app.stop().await;
    }

    async fn what_the_provider_took_it_gives_back(backend) {
        let (world, asked) = start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 1_000).await;
        let payment = with_provider(&world, &bill, 1_000).await;
        let path = format!("{PAYMENTS}/{}/refund", payment["id"].as_str().unwrap());
        let refund = async |cents: i64| {
            world.books.post(&path, &json!({ "amount": eur(cents), "reason": "asked for" })).await
        };
        refund(1).await.expect_problem(409, "ILLEGAL_TRANSITION");
        tell(&world, "payment_intent.succeeded", intent_of(&payment), SECRET).await.expect(204);
        refund(400).await.expect(200);
        shown(&world, &payment, |payment| payment["status"] == "partly_refunded").await;
        refund(601).await.expect_problem(422, "UNPROCESSABLE");
        refund(13).await.expect(200);
        let after = shown(&world, &payment, |payment| payment["refunds"][1]["status"] == "failed").await;
        assert_eq!(after["refunded"], eur(400));
        assert_eq!(world.balances(&["1020", "1100"]).await, [600, 400]);
        assert_eq!(asked.lock().refunds.len(), 2);
        world.app.stop().await;
    }

    async fn what_the_provider_refuses_has_failed(backend) {
        let (world, _) = start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 1_000).await;
        let body = json!({ "invoice_id": bill["id"], "method": "card", "amount": eur(666), "by_provider": true });
        let payment = world.desk.post(PAYMENTS, &body).await;
        let failed = shown(&world, &payment.expect(201).body, |payment| payment["status"] == "failed").await;
        assert!(failed["failure"].as_str().unwrap().starts_with("refused: 400"), "{failed:#}");
        let cash = json!({ "invoice_id": bill["id"], "method": "cash", "amount": eur(1), "by_provider": true });
        world.desk.post(PAYMENTS, &cash).await.expect_problem(422, "UNPROCESSABLE");
        world.app.stop().await;
    }

    async fn without_a_provider_there_is_none(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 100).await;
        let body = json!({ "invoice_id": bill["id"], "method": "card", "amount": eur(1), "by_provider": true });
        world.desk.post(PAYMENTS, &body).await.expect_problem(422, "UNPROCESSABLE");
        tell(&world, "payment_intent.succeeded", json!({}), "").await.expect_problem(404, "NOT_FOUND");
        world.app.stop().await;
    }
}
