//! Browsers and devices that ask for messages.

use crate::common::{App, book, message, messages, outgoing, reachable, wants};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hms_model::role::Role;
use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/push-subscriptions";

/// As a browser gives it.
fn browser(endpoint: &str) -> Value {
    let (mut key, auth) = ([7_u8; 65], [7_u8; 16]);
    key[0] = 4;
    json!({"web": {
        "endpoint": endpoint, "expirationTime": null,
        "keys": {"p256dh": URL_SAFE_NO_PAD.encode(key), "auth": URL_SAFE_NO_PAD.encode(auth)},
    }})
}

on_both_back_ends! {
    async fn messages_go_to_the_devices_that_ask_for_them(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        wants(&own, ann, json!({"channels": {"appointment": ["push"]}})).await;
        book(&app, ann).await;
        assert_eq!(message(&own, "").await["error"], "the patient can be reached by none of the ways that are wanted");
        let made = own.post(PATH, &json!({"fcm_token": "t0ken"})).await;
        assert_eq!(made.expect(201).body, json!({
            "id": made["id"], "patient_id": ann, "kind": "fcm", "server": null, "created_at": "2026-03-02T08:00:00Z",
        }));
        assert_eq!(made.header("location"), format!("{PATH}/{}", made.text("id")));
        book(&app, ann).await;
        let sent = message(&own, "status=sent").await;
        let one = own.get(&format!("/api/v1/notifications/{}", sent["id"].as_str().unwrap())).await;
        assert_eq!(one.expect(200)["attempts"][0]["push_subscription_id"], made["id"]);
        let [notice] = &outgoing(&app, ".json")[..] else { panic!("one push message") };
        let notice: Value = serde_json::from_str(notice).unwrap();
        assert_eq!((&notice["to"], &notice["title"]), (&json!({"token": "t0ken"}), &sent["subject"]));

        own.delete(&format!("{PATH}/{}", made.text("id"))).await.expect(204);
        book(&app, ann).await;
        messages(&own, "status=skipped", 2).await;
        app.stop().await;
    }

    async fn a_browser_has_one_owner_and_its_address_is_not_shown(backend) {
        let app = App::start(backend).await;
        let ((ann, of_ann), (ben, of_ben)) = (reachable(&app).await, reachable(&app).await);
        let first = of_ann.post(PATH, &browser("https://push.example.org/s3cret")).await;
        assert_eq!((&first.expect(201)["server"], &first["kind"]), (&json!("push.example.org"), &json!("web")));
        assert!(!first.body.to_string().contains("s3cret"));
        let admin = app.client(&[Role::Admin]);
        let of = async |client: &hms_testkit::Client, query: &str| {
            let list = client.get(&format!("{PATH}?{query}")).await;
            list.expect(200).results().iter().map(|it| it["patient_id"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(of(&of_ann, "").await, [json!(ann)]);
        assert!(of(&of_ben, "").await.is_empty() && of(&of_ben, &format!("patient_id={ann}")).await.is_empty());
        of_ben.delete(&format!("{PATH}/{}", first.text("id"))).await.expect_problem(404, "NOT_FOUND");

        // The next who signs in at that browser gets its messages.
        of_ben.post(PATH, &browser("https://push.example.org/s3cret")).await.expect(201);
        assert_eq!(of(&admin, "").await, [json!(ben)]);
        app.stop().await;
    }

    async fn what_is_no_subscription_is_refused(backend) {
        let app = App::start(backend).await;
        let (_, own) = reachable(&app).await;
        let mut short = browser("https://push.example.org/x");
        short["web"]["keys"]["auth"] = json!("AAAA");
        let mut other = browser("https://push.example.org/x");
        other["web"]["keys"]["p256dh"] = json!("AAAA");
        let mut both = browser("https://push.example.org/x");
        both["fcm_token"] = json!("t0ken");
        for wrong in [
            json!({}),
            both,
            short,
            other,
            json!({"fcm_token": ""}),
            json!({"fcm_token": "a b"}),
            browser("http://push.example.org/x"),
            browser("https://localhost/x"),
            browser("https://169.254.169.254/latest"),
            browser("nowhere"),
        ] {
            own.post(PATH, &wrong).await.expect_problem(422, "UNPROCESSABLE");
        }
        app.client(&[Role::Nurse]).post(PATH, &json!({"fcm_token": "t0ken"})).await.expect_problem(403, "FORBIDDEN");
        for number in 0..20 {
            own.post(PATH, &json!({"fcm_token": format!("t{number}")})).await.expect(201);
        }
        own.post(PATH, &json!({"fcm_token": "one more"})).await.expect_problem(422, "UNPROCESSABLE");
        app.stop().await;
    }
}
