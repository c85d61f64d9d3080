//! The crowd that lists and searches are measured with is as the service would have written it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};
use hms_db::{Backend, Db};
use hms_model::role::Role;
use hms_testkit::TestService;
use hms_testkit::database::wanted;
use serde_json::json;

#[derive(diesel::QueryableByName, PartialEq, Debug)]
struct Found {
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

#[tokio::test]
async fn a_patient_of_the_crowd_is_found_like_any_other() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let app = TestService::<hms_user::Service>::start(Backend::Postgres).await;
    // Two portions and a part of one.
    hms_load::crowd::fill(app.database_url().clone(), 50_020).await.unwrap();
    let desk = app.client(&[Role::Receptionist]);
    let found = desk.get("/api/v1/patients?search=CROWD000050020").await;
    let one = &found.expect(200).body["results"][0];
    let same = json!({
        "given_name": one["given_name"], "family_name": one["family_name"], "birth_date": "1990-05-17", "gender": "female",
    });
    desk.post("/api/v1/patients", &same).await.expect(201);

    let texts = move |db: &mut Db| {
        // The names; a number is of another kind.
        let kept = "SELECT substring(search_text FROM E'^\\n[^\\n]*\\n[^\\n]*\\n') AS text, search_version AS version \
            FROM patients WHERE mrn = 'CROWD000050020' OR mrn NOT LIKE 'CROWD%'";
        Ok::<_, hms_db::Error>(diesel::sql_query(kept).load::<Found>(db)?)
    };
    let texts = app.database.read(texts).await.unwrap();
    assert_eq!((texts.len(), &texts[0]), (2, &texts[1]));
    let all = desk.get("/api/v1/patients?search=crowd").await;
    assert_eq!(all.expect(200).body["count"], 50_020);
    app.stop().await;
}
