//! The page where people sign in and allow.

use chrono::TimeDelta;
use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::browser::{Browser, request};
use crate::{ADMIN, App, CALLBACK, ISSUER, PASSWORD, hospital, last_act, oauth_client, person, signed_in};

fn with(
    mut parameters: Vec<(&'static str, String)>,
    name: &'static str,
    value: &str,
) -> Vec<(&'static str, String)> {
    parameters.retain(|(given, _)| *given != name);
    if !value.is_empty() {
        parameters.push((name, value.to_owned()));
    }
    parameters
}

/// What an authenticator app shows now (RFC 6238).
fn code_shown(app: &App, secret: &str) -> String {
    let key = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let digest = ring::hmac::sign(&key, &(app.clock.now().timestamp() / 30).to_be_bytes());
    let offset = usize::from(digest.as_ref()[19] & 15);
    let word = u32::from_be_bytes(digest.as_ref()[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

on_both_back_ends! {
    async fn a_person_signs_in_and_the_client_gets_a_code(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let client = oauth_client(&admin, json!({"name": "<b>Board</b>"})).await;
        let mut browser = Browser::new(&app);
        let page = browser.open(&request(&client.id)).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("&lt;b&gt;Board&lt;/b&gt;") && !page.body.contains("<script"), "{}", page.body);
        assert!(page.policy.starts_with("default-src 'none'; style-src 'sha256-"), "{}", page.policy);
        assert!(page.policy.contains("form-action 'self' https://app.example; frame-ancestors 'none'"));
        let sent = browser.allow(&request(&client.id), "admin").await;
        assert_eq!(sent.status, 303);
        assert!(sent.location.as_ref().unwrap().as_str().starts_with(CALLBACK));
        assert_eq!(sent.parameter("state").as_deref(), Some("st&te"));
        assert_eq!(sent.parameter("iss").as_deref(), Some(ISSUER));
        assert_eq!(sent.parameter("code").unwrap().len(), 43);
        assert_eq!(sent.parameter("error"), None);
    }

    async fn nobody_is_sent_to_a_place_that_is_not_registered(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let client = oauth_client(&admin, json!({})).await;
        let mut browser = Browser::new(&app);
        let unknown = "0190a3c2-5b1e-7c4d-9f00-000000000000";
        let right = request(&client.id);
        for wrong in [
            with(right.clone(), "redirect_uri", "https://evil.example/"),
            with(right.clone(), "redirect_uri", "https://app.example/callback/"),
            with(right.clone(), "redirect_uri", ""),
            with(right.clone(), "client_id", unknown),
            with(right.clone(), "client_id", "x\"><script>"),
            [right.clone(), vec![("state", "again".into())]].concat(),
        ] {
            let page = browser.open(&wrong).await;
            assert_eq!((page.status, page.location), (400, None), "{wrong:?}");
            assert!(page.body.contains("<h1>") && !page.body.contains("<script"), "{}", page.body);
        }
        // A program reads our envelope.
        let plain = app.anonymous().get("/api/v1/oauth/authorize").await;
        plain.expect_problem(400, "INVALID_REQUEST");
        for (name, value, error) in [
            ("code_challenge", "", "invalid_request"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("response_type", "token", "unsupported_response_type"),
            ("scope", "account:write", "invalid_scope"),
            ("prompt", "none", "login_required"),
            ("request", "a.b.c", "request_not_supported"),
        ] {
            let page = browser.open(&with(right.clone(), name, value)).await;
            assert_eq!((page.status, page.parameter("error").as_deref()), (303, Some(error)), "{name}");
            assert_eq!(page.parameter("iss").as_deref(), Some(ISSUER), "{name}");
        }
    }

    async fn a_form_that_was_not_shown_is_not_taken(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let client = oauth_client(&admin, json!({})).await;
        let (mut victim, mut stranger) = (Browser::new(&app), Browser::new(&app));
        let (own, foreign) = (victim.open(&request(&client.id)).await, stranger.open(&request(&client.id)).await);
        let answer = |csrf: Option<String>| {
            let mut fields = request(&client.id);
            fields.extend(csrf.map(|csrf| ("csrf", csrf)));
            fields.extend([("username", "admin".into()), ("password", PASSWORD.into()), ("decision", "allow".into())]);
            fields
        };
        for csrf in [None, Some(foreign.field("csrf")), Some(String::new())] {
            let page = victim.submit(&answer(csrf)).await;
            assert_eq!((page.status, page.location), (400, None));
        }
        let mut bare = Browser::new(&app);
        let page = bare.submit(&answer(Some(own.field("csrf")))).await;
        assert_eq!((page.status, page.location), (400, None), "no cookie");
        assert_eq!(victim.submit(&answer(Some(own.field("csrf")))).await.status, 303);
    }

    async fn who_is_not_known_or_says_no_gives_no_code(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let client = oauth_client(&admin, json!({})).await;
        let mut browser = Browser::new(&app);
        let csrf = browser.open(&request(&client.id)).await.field("csrf");
        let answer = |name: &str, password: &str, decision: &str| {
            let mut fields = request(&client.id);
            fields.extend([
                ("csrf", csrf.clone()),
                ("username", name.into()),
                ("password", password.into()),
                ("decision", decision.into()),
            ]);
            fields
        };
        for (name, password) in [("admin", "wrong"), ("nobody", PASSWORD), ("", ""), ("admin", "")] {
            let page = browser.submit(&answer(name, password, "allow")).await;
            assert_eq!((page.status, page.location.is_none()), (400, true), "{name}");
            assert!(page.body.contains("role=\"alert\"") && !page.body.contains(PASSWORD), "{}", page.body);
        }
        assert!(last_act(&app).await.starts_with("execute session refused"));
        for decision in ["deny", "", "x"] {
            let page = browser.submit(&answer("admin", PASSWORD, decision)).await;
            assert_eq!(page.parameter("error").as_deref(), Some("access_denied"), "{decision}");
        }
    }

    async fn guessing_on_the_page_makes_the_next_guess_wait(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let client = oauth_client(&admin, json!({})).await;
        person(&app, &admin, "nina", "nurse").await;
        let mut browser = Browser::new(&app);
        let mut fields = request(&client.id);
        fields.push(("csrf", browser.open(&request(&client.id)).await.field("csrf")));
        fields.extend([("username", "nina".into()), ("decision", "allow".into())]);
        let attempt = |password: &str| [fields.clone(), vec![("password", password.to_owned())]].concat();
        for _ in 0..5 {
            browser.submit(&attempt("wrong")).await;
        }
        assert_eq!(browser.submit(&attempt(PASSWORD)).await.status, 400, "locked out");
        let login = json!({"username": "nina", "password": PASSWORD});
        app.anonymous().post("/api/v1/auth/login", &login).await.expect_problem(429, "LOCKED_OUT");
        app.clock.advance(TimeDelta::minutes(15));
        assert_eq!(browser.submit(&attempt(PASSWORD)).await.status, 303);
    }

    async fn the_page_takes_the_second_factor_in_the_same_step(backend) {
        let settings = [ADMIN[0], ADMIN[1], ("HMS_MFA_REQUIRED_ROLES", "doctor")];
        let app = App::start_real_tokens(backend, &settings).await;
        let admin = signed_in(&app, "admin").await;
        let client = oauth_client(&admin, json!({})).await;
        let secret = admin.post("/api/v1/auth/mfa/totp", &json!({})).await.expect(200).text("secret");
        let code = json!({"code": code_shown(&app, &secret)});
        let confirmed = admin.post("/api/v1/auth/mfa/totp/confirm", &code).await;
        let recovery = confirmed.expect(200)["recovery_codes"][0].as_str().unwrap().to_owned();
        let mut browser = Browser::new(&app);
        let csrf = browser.open(&request(&client.id)).await.field("csrf");
        let answer = |name: &str, otp: &str| {
            let mut fields = request(&client.id);
            fields.extend([("csrf", csrf.clone()), ("username", name.into()), ("password", PASSWORD.into())]);
            fields.extend([("otp", otp.into()), ("decision", "allow".into())]);
            fields
        };
        for (otp, said) in [("", "one-time code of your second factor"), ("000000", "code"), ("x", "code")] {
            let page = browser.submit(&answer("admin", otp)).await;
            assert_eq!((page.status, page.location.is_none()), (400, true), "{otp}");
            assert!(page.body.contains(said), "{}", page.body);
        }
        assert_eq!(browser.submit(&answer("admin", &recovery)).await.status, 303);
        assert_eq!(browser.submit(&answer("admin", &recovery)).await.status, 400, "used up");
        // Whoever must have one and has none sets it up elsewhere first.
        let form = json!({"email": "d@hospital.example", "username": "dora", "password": PASSWORD, "roles": ["doctor"]});
        admin.post("/api/v1/accounts", &form).await.expect(201);
        let page = browser.submit(&answer("dora", "")).await;
        assert_eq!((page.status, page.body.contains("needs a second factor")), (400, true), "{}", page.body);
    }

    async fn a_client_of_a_department_is_for_staff(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        person(&app, &admin, "pat", "patient").await;
        person(&app, &admin, "nina", "nurse").await;
        let department = hms_model::id::DepartmentId::from_uuid(uuid::Uuid::from_u128(5));
        let client = oauth_client(&admin, json!({"department_id": department})).await;
        let mut browser = Browser::new(&app);
        let page = browser.allow(&request(&client.id), "pat").await;
        assert_eq!(page.parameter("error").as_deref(), Some("access_denied"));
        assert!(browser.allow(&request(&client.id), "nina").await.parameter("code").is_some());
    }
}
