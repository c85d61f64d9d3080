//! Services among themselves.

use chrono::TimeDelta;
use hms_access::ServiceToken;
use hms_model::Secret;
use hms_settings::Settings;
use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::{claims, expect_oauth, hospital, revoked, secret_of, service, signed_in, token, verifier};

const CLIENT_CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

on_both_back_ends! {
    async fn a_service_shows_who_it_is_and_nobody_takes_it_for_another(backend) {
        let app = hospital(backend).await;
        let user = service(&app, "user").await;
        let access = user.token().unwrap();
        let said = verifier(&app).internal().verify(access).await.unwrap();
        assert_eq!((said.aud.as_str(), said.client_id.as_deref()), ("hms-internal", Some("user")));
        assert!(said.scope.is_empty());
        // It is no token of the API, whatever the route asks for.
        assert!(verifier(&app).verify(access).await.is_err());
        for path in ["/api/v1/auth/me", "/api/v1/accounts", "/api/v1/api-keys", "/api/v1/oauth/userinfo"] {
            user.get(path).await.expect_problem(401, "UNAUTHENTICATED");
        }
        // It may read what was revoked, and is not the gateway.
        user.get("/internal/revocations").await.expect(200);
        let key = json!({"key": "hms_x"});
        user.post("/internal/api-keys/exchange", &key).await.expect_problem(403, "FORBIDDEN");
        let gateway = service(&app, "gateway").await;
        gateway.post("/internal/api-keys/exchange", &key).await.expect_problem(401, "UNAUTHENTICATED");
    }

    async fn a_person_is_no_service(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        for client in [&admin, &app.anonymous()] {
            client.get("/internal/revocations").await.expect_problem(401, "UNAUTHENTICATED");
            let key = json!({"key": "hms_x"});
            client.post("/internal/api-keys/exchange", &key).await.expect_problem(401, "UNAUTHENTICATED");
        }
        let (user, gateway) = (secret_of(&app, "user"), secret_of(&app, "gateway"));
        for (name, secret) in [("gateway", &user), ("user", &gateway), ("user", &String::new()), ("nobody", &user)] {
            expect_oauth(&token(&app, Some((name, secret)), &CLIENT_CREDENTIALS).await, 401, "invalid_client");
        }
        let refused = token(&app, Some(("user", &user)), &[("grant_type", "refresh_token")]).await;
        expect_oauth(&refused, 400, "unauthorized_client");
    }

    async fn a_service_keeps_its_token_and_renews_it_in_good_time(backend) {
        let app = hospital(backend).await;
        let settings = Settings::default()
            .with([("AUTH_URL", app.base()), ("HMS_DATA_DIR", app.folder.path().display().to_string())]);
        let own = ServiceToken::from_settings("appointment", &settings, app.clock.clone()).unwrap();
        // Many who need it at once get the one that was fetched.
        let all = futures_util::future::join_all((0..8).map(|_| own.get())).await;
        let first = all[0].as_ref().unwrap().clone();
        assert!(all.iter().all(|token| token.as_ref().unwrap() == &first));
        app.clock.advance(TimeDelta::minutes(9));
        assert_eq!(own.get().await.unwrap(), first);
        app.clock.advance(TimeDelta::minutes(1));
        let second = own.get().await.unwrap();
        assert_ne!(second, first, "a third of its time is left");
        verifier(&app).internal().verify(second.expose()).await.unwrap();
        own.forget(&first);
        assert_eq!(own.get().await.unwrap(), second, "another one was refused");
        own.forget(&second);
        assert_ne!(own.get().await.unwrap(), second);
    }

    async fn a_service_goes_on_with_its_token_while_the_auth_service_is_away(backend) {
        let app = hospital(backend).await;
        let folder = hms_testkit::Folder::new();
        let file = folder.path().join("secret");
        std::fs::write(&file, secret_of(&app, "audit")).unwrap();
        let settings = Settings::default()
            .with([("AUTH_URL", app.base()), ("HMS_CLIENT_SECRET_FILE", file.display().to_string())]);
        let own = ServiceToken::from_settings("audit", &settings, app.clock.clone()).unwrap();
        let first = own.get().await.unwrap();
        let clock = app.clock.clone();
        app.stop().await;
        clock.advance(TimeDelta::minutes(14));
        assert_eq!(own.get().await.unwrap(), first);
        clock.advance(TimeDelta::minutes(1));
        assert!(own.get().await.is_err());
        assert!(own.get().await.unwrap_err().to_string().contains("cannot be had"), "at once");
    }

    async fn the_list_of_what_was_revoked_is_read_by_position(backend) {
        let app = hospital(backend).await;
        let gateway = service(&app, "gateway").await;
        let admin = signed_in(&app, "admin").await;
        let nothing = gateway.get("/internal/revocations").await;
        assert_eq!(nothing.expect(200)["revoked"], json!([]));
        let mut keys = Vec::new();
        for name in ["one", "other"] {
            let form = json!({"name": name, "scopes": ["patient:read"]});
            let id = admin.post("/api/v1/api-keys", &form).await.expect(201).text("id");
            admin.delete(&format!("/api/v1/api-keys/{id}")).await.expect(204);
            keys.push(id);
        }
        assert_eq!(revoked(&app).await, keys);
        let after = nothing["position"].as_i64().unwrap() + 1;
        let rest = gateway.get(&format!("/internal/revocations?after={after}")).await;
        assert_eq!(rest.expect(200)["revoked"][0]["sid"], json!(keys[1]));
        assert_eq!((rest["revoked"].as_array().unwrap().len(), &rest["complete"]), (1, &json!(true)));
        let until = rest["revoked"][0]["until"].as_i64().unwrap();
        assert!(until > app.clock.now().timestamp());
        let position = rest["position"].as_i64().unwrap();
        let none = gateway.get(&format!("/internal/revocations?after={position}")).await;
        assert_eq!((&none["revoked"], &none["position"]), (&json!([]), &json!(position)));
        gateway.get("/internal/revocations?after=x").await.expect(400);
        assert_eq!(claims(&app, admin.token().unwrap()).await.iss, crate::ISSUER);
        assert_eq!(format!("{:?}", Secret::new(secret_of(&app, "user"))), "Secret(…)");
    }
}
