//! What has long expired is deleted.

use chrono::TimeDelta;
use diesel::prelude::*;
use hms_testkit::{on_both_back_ends, until};
use serde_json::json;

use crate::browser::{Browser, VERIFIER, request};
use crate::{ADMIN, App, oauth_client, signed_in, token};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

async fn rows(app: &App) -> i64 {
    let count = "SELECT (SELECT count(*) FROM oauth_codes) + (SELECT count(*) FROM oauth_grants) \
                 + (SELECT count(*) FROM oauth_refresh_tokens) + (SELECT count(*) FROM revocations) AS n";
    let read = app
        .database
        .read(move |db| Ok::<_, hms_db::Error>(diesel::sql_query(count).get_result::<Count>(db)?.n));
    read.await.unwrap()
}

on_both_back_ends! {
    async fn nothing_is_kept_for_ever(backend) {
        let settings = [ADMIN[0], ADMIN[1], ("HMS_AUTH_UPKEEP_SECONDS", "1")];
        let app = App::start_real_tokens(backend, &settings).await;
        let admin = signed_in(&app, "admin").await;
        let client = oauth_client(&admin, json!({})).await;
        let code = Browser::new(&app).code(&request(&client.id), "admin").await;
        let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("code_verifier", VERIFIER)];
        let tokens = token(&app, client.basic(), &form).await;
        let next = [("grant_type", "refresh_token"), ("refresh_token", &tokens.expect(200).text("refresh_token"))];
        token(&app, client.basic(), &next).await.expect(200);
        admin.delete(&format!("/api/v1/oauth/clients/{}", client.id)).await.expect(204);
        // A code, a grant, two refresh tokens, and the end of the grant and of the client.
        assert_eq!(rows(&app).await, 6);
        app.clock.advance(TimeDelta::days(38));
        until("the end of all rows", 20, async || (rows(&app).await == 0).then_some(())).await;
    }
}
