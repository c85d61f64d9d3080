//! OAuth clients, and those that act for themselves.

use hms_model::role::Reach;
use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::{claims, expect_oauth, hospital, last_act, oauth_client, person, revoked, signed_in, token};

const CLIENTS: &str = "/api/v1/oauth/clients";
const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

on_both_back_ends! {
    async fn a_client_acts_for_itself(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let department = hms_model::id::DepartmentId::from_uuid(uuid::Uuid::from_u128(5));
        let client = oauth_client(&admin, json!({"department_id": department})).await;
        let answer = token(&app, client.basic(), &OWN).await;
        answer.expect(200);
        assert_eq!((answer.text("token_type"), answer.header("cache-control")), ("Bearer".into(), "no-store"));
        assert_eq!(answer.text("scope"), "patient:read appointment:read");
        assert!(answer["refresh_token"].is_null() && answer["id_token"].is_null());
        let said = claims(&app, &answer.text("access_token")).await;
        assert_eq!((said.sub.to_string(), said.sid.to_string()), (client.id.clone(), client.id.clone()));
        assert_eq!((said.client_id.as_deref(), said.plan.as_deref()), (Some(client.id.as_str()), Some("integration")));
        assert_eq!(said.reach(), Reach::Department { department_id: department });
        assert_eq!(last_act(&app).await, "execute oauth_client success: ");
        let fewer = token(&app, client.basic(), &[OWN[0], ("scope", "patient:read")]).await;
        assert_eq!(fewer.expect(200).text("scope"), "patient:read");
        for beyond in ["patient:write", "openid", "no:such"] {
            expect_oauth(&token(&app, client.basic(), &[OWN[0], ("scope", beyond)]).await, 400, "invalid_scope");
        }
        // The secret in the body instead of the header.
        let secret = client.secret.clone().unwrap();
        let posted = [OWN[0], ("client_id", client.id.as_str()), ("client_secret", &secret)];
        token(&app, None, &posted).await.expect(200);
    }

    async fn who_does_not_prove_who_it_is_gets_nothing(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let client = oauth_client(&admin, json!({})).await;
        let other = oauth_client(&admin, json!({})).await;
        let (id, secret) = client.basic().unwrap();
        let unknown = "0190a3c2-5b1e-7c4d-9f00-000000000000";
        for (id, secret) in [(id, ""), (id, "wrong"), (id, other.secret.as_deref().unwrap()), (unknown, secret), ("", "")] {
            let refused = token(&app, Some((id, secret)), &OWN).await;
            expect_oauth(&refused, 401, "invalid_client");
            assert!(refused.header("www-authenticate").starts_with("Basic"), "{id}");
        }
        expect_oauth(&token(&app, None, &[OWN[0], ("client_id", id)]).await, 401, "invalid_client");
        expect_oauth(&token(&app, None, &OWN).await, 400, "invalid_request");
        let twice = [OWN[0], ("client_id", id), ("client_secret", secret)];
        expect_oauth(&token(&app, client.basic(), &twice).await, 400, "invalid_request");
        expect_oauth(&token(&app, client.basic(), &[OWN[0], OWN[0]]).await, 400, "invalid_request");
        expect_oauth(&token(&app, client.basic(), &[]).await, 400, "invalid_request");
        for grant in ["password", "implicit", ""] {
            expect_oauth(&token(&app, client.basic(), &[("grant_type", grant)]).await, 400, "unsupported_grant_type");
        }
        let json = app.anonymous().post("/api/v1/oauth/token", &json!({"grant_type": "client_credentials"})).await;
        expect_oauth(&json, 400, "invalid_request");
        let app_only = oauth_client(&admin, json!({"grant_types": ["authorization_code"]})).await;
        expect_oauth(&token(&app, app_only.basic(), &OWN).await, 400, "unauthorized_client");
    }

    async fn admins_register_and_end_clients(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let (nurse, _) = person(&app, &admin, "nina", "nurse").await;
        let form = json!({"name": "x", "kind": "public", "grant_types": ["authorization_code"],
            "redirect_uris": ["com.example.app:/cb"], "scopes": ["openid"]});
        nurse.post(CLIENTS, &form).await.expect_problem(403, "FORBIDDEN");
        let public = admin.post(CLIENTS, &form).await;
        assert!(public.expect(201)["client_secret"].is_null());
        let renew = admin.post(&format!("{CLIENTS}/{}/secret", public.text("id")), &json!({})).await;
        renew.expect_problem(409, "ILLEGAL_TRANSITION");
        for (field, value) in [
            ("redirect_uris", json!(["http://app.example/cb"])),
            ("redirect_uris", json!(["javascript:alert(1)"])),
            ("scopes", json!(["no:such"])),
            ("grant_types", json!(["password"])),
        ] {
            let mut wrong = form.clone();
            wrong[field] = value;
            admin.post(CLIENTS, &wrong).await.expect_problem(400, "INVALID_REQUEST");
        }
        let mut nowhere = form.clone();
        nowhere["redirect_uris"] = json!([]);
        admin.post(CLIENTS, &nowhere).await.expect_problem(422, "UNPROCESSABLE");
        let client = oauth_client(&admin, json!({})).await;
        let path = format!("{CLIENTS}/{}", client.id);
        token(&app, client.basic(), &OWN).await.expect(200);
        let renewed = admin.post(&format!("{path}/secret"), &json!({})).await.expect(200).text("client_secret");
        expect_oauth(&token(&app, client.basic(), &OWN).await, 401, "invalid_client");
        token(&app, Some((&client.id, &renewed)), &OWN).await.expect(200);
        let changed = admin.patch(&path, &json!({"scopes": ["department:read"]})).await;
        assert_eq!(changed.expect(200)["version"], json!(3));
        let answer = token(&app, Some((&client.id, &renewed)), &OWN).await;
        assert_eq!(answer.expect(200).text("scope"), "department:read");
        admin.delete(&path).await.expect(204);
        expect_oauth(&token(&app, Some((&client.id, &renewed)), &OWN).await, 401, "invalid_client");
        assert_eq!(revoked(&app).await, std::slice::from_ref(&client.id));
        assert!(admin.get(&path).await.expect(200)["revoked_at"].is_string());
        assert_eq!(admin.get(&format!("{CLIENTS}?kind=public")).await.results().len(), 1);
    }
}
