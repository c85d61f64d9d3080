//! Browsers and devices that ask for messages.

use crate::common::{App, book, message, messages, outgoing, reachable, wants};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::RunQueryDsl as _;
use diesel::sql_types::Text;
use hms_db::{Db, Error};
use hms_model::id::PatientId;
use hms_model::role::Role;
use hms_testkit::{on_both_back_ends, until};
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

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// All that the table says, a row in a line.
async fn rows(app: &App) -> Vec<String> {
    let query = "SELECT kind || ' ' || address || ' ' || coalesce(p256dh, '-') || ' ' || coalesce(auth, '-') \
                 || ' ' || coalesce(sealed, '-') AS text FROM push_subscriptions ORDER BY id";
    let read = move |db: &mut Db| Ok::<Vec<Line>, Error>(diesel::sql_query(query).load(db)?);
    app.database.read(read).await.unwrap().into_iter().map(|line| line.text).collect()
}

/// A row as the version before wrote it.
async fn write_clear(app: &App, patient: PatientId, (kind, address): (&str, &str), keys: &str) {
    let id = hms_model::id::Id::<()>::new(app.clock.now());
    let sql = format!(
        "INSERT INTO push_subscriptions (id, patient_id, account_id, kind, address, p256dh, auth, created_at) \
         VALUES ('{id}', '{patient}', '{id}', '{kind}', '{address}', {keys}, '2026-03-02T08:00:00.000000Z')"
    );
    let write = move |db: &mut Db| Ok::<_, Error>(diesel::sql_query(&sql).execute(db)?);
    app.database.write(write).await.unwrap();
}

on_both_back_ends! {
    async fn the_database_does_not_say_where_messages_go(backend) {
        let app = App::start(backend).await;
        let (_, own) = reachable(&app).await;
        let web = browser("https://push.example.org/s3cret");
        own.post(PATH, &web).await.expect(201);
        own.post(PATH, &json!({"fcm_token": "t0ken"})).await.expect(201);
        let (keys, rows) = (&web["web"]["keys"], rows(&app).await);
        assert_eq!(rows.len(), 2);
        for clear in ["push.example.org", "s3cret", "t0ken", keys["p256dh"].as_str().unwrap(), keys["auth"].as_str().unwrap()] {
            assert!(rows.iter().all(|row| !row.contains(clear)), "{clear}: {rows:?}");
        }
        // The same browser is found again by its fingerprint.
        own.post(PATH, &web).await.expect(201);
        assert_eq!(own.get(PATH).await.expect(200)["count"], 2);
        app.stop().await;
    }

    async fn what_was_written_in_the_clear_is_read_and_sealed_at_the_next_start(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        wants(&own, ann, json!({"channels": {"appointment": ["push"]}})).await;
        write_clear(&app, ann, ("fcm", "old-token"), "NULL, NULL").await;
        write_clear(&app, ann, ("web", "https://push.example.org/old"), "'old-key', 'old-auth'").await;
        let listed = async || {
            let list = own.get(PATH).await;
            let mut shown: Vec<_> = list.expect(200).results().iter().map(|it| (it["kind"].clone(), it["server"].clone(), it["id"].clone())).collect();
            shown.sort_by_key(|(kind, ..)| kind.to_string());
            shown
        };
        let before = listed().await;
        assert_eq!((&before[0].0, &before[1].0, &before[1].1), (&json!("fcm"), &json!("web"), &json!("push.example.org")));
        let next = app.beside().await;
        let sealed = until("all to be sealed", 10, async || {
            let rows = rows(&app).await;
            rows.iter().all(|row| !row.ends_with(" -")).then_some(rows)
        })
        .await;
        next.stop().await;
        for clear in ["old-token", "push.example.org", "old-key", "old-auth"] {
            assert!(sealed.iter().all(|row| !row.contains(clear)), "{clear}: {sealed:?}");
        }
        assert_eq!(listed().await, before, "they are the same subscriptions");
        book(&app, ann).await;
        message(&own, "status=sent").await;
        let notices = outgoing(&app, ".json");
        assert!(notices.iter().any(|notice| notice.contains("old-token")), "{notices:?}");
        // Another sign-in at that app takes the place of the former.
        own.post(PATH, &json!({"fcm_token": "old-token"})).await.expect(201);
        assert_eq!(own.get(PATH).await.expect(200)["count"], 2);
        app.stop().await;
    }

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
