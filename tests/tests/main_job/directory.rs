//! Patients, practitioners and departments: made, read, changed, found.

use hms_tests::{Answer, Person, Platform, records};
use serde_json::{Value, json};

pub async fn a_patient_registers_themselves(platform: &Platform, admin: &Person) {
    let mut ann = platform.register().await;
    ann.client.get("/api/v1/patients/me").await.expect_problem(404, "NOT_FOUND");
    let made = ann.client.post("/api/v1/patients", &records::patient("Ann", "Andersson")).await;
    let id = made.expect(201).text("id");
    assert_eq!(made["account_id"], ann.account_id());
    assert_eq!(made.header("location"), format!("/api/v1/patients/{id}"));
    ann.client.get("/api/v1/patients/me").await.expect(200);

    let again = ann.client.post("/api/v1/patients", &records::patient("Ann", "Andersson")).await;
    again.expect_problem(409, "DUPLICATE");
    platform.until_linked(&mut ann, &id).await;
    assert_eq!(ann.client.get("/api/v1/patients/me").await.expect(200).text("id"), id);
    assert_eq!(ann.client.get("/api/v1/auth/me").await.expect(200)["patient_id"], id);

    admin.make("/api/v1/patients", &records::patient("Not", "Ann")).await;
    let own = ann.client.get("/api/v1/patients").await;
    assert_eq!(ids(own.expect(200)), [id]);
}

pub async fn staff_keep_patients(admin: &Person) {
    let family_name = format!("Öberg {}", records::unique());
    let identifier = json!([{"system": "urn:oid:1.2.3", "value": records::unique()}]);
    let mut body = records::patient("Cæcilie", &family_name);
    body["identifiers"] = identifier.clone();
    let made = admin.client.post("/api/v1/patients", &body).await;
    let id = made.expect(201).text("id");
    assert_eq!((&made["status"], &made["version"]), (&json!("active"), &json!(1)));
    assert!(made.text("mrn").starts_with("P-"));
    let mut other = records::patient("Not", "Cæcilie");
    other["identifiers"] = identifier;
    let taken = admin.client.post("/api/v1/patients", &other).await;
    assert_eq!(taken.expect_problem(409, "DUPLICATE")["error"]["details"]["id"], id);

    let path = format!("/api/v1/patients/{id}");
    let read = admin.client.get(&path).await;
    assert_eq!(read.expect(200).body, made.body);
    assert_eq!(read.header("etag"), "\"1\"");
    let changed =
        admin.client.patch(&path, &json!({"phone": "+4930123456", "address": {"city": "Bremen"}})).await;
    changed.expect(200);
    assert_eq!((&changed["phone"], &changed["version"]), (&json!("+4930123456"), &json!(2)));
    assert_eq!(
        (&changed["address"]["city"], &changed["address"]["line"]),
        (&json!("Bremen"), &json!("1 Main St"))
    );
    body["gender"] = json!("unknown");
    let replaced = admin.client.put(&path, &body).await;
    assert_eq!((&replaced.expect(200)["phone"], &replaced["version"]), (&json!("+14155552671"), &json!(3)));
    let stale = admin.client.json("PATCH", &path, &json!({"phone": null}), &[("if-match", "\"2\"")]).await;
    stale.expect_problem(412, "PRECONDITION_FAILED");

    found(admin, "/api/v1/patients", &family_name, &id, &["status=active", "gender=unknown", "age__gte=18"])
        .await;
    empty(
        admin,
        "/api/v1/patients",
        &family_name,
        &["status=inactive", "age__lt=18", "gender__in=male,female"],
    )
    .await;
    admin.client.delete(&path).await.expect(204);
    assert_eq!(admin.client.get(&path).await.expect(200)["status"], "inactive");
    pages(admin, "/api/v1/patients", &records::patient("Dag", "Dahl")).await;
}

pub async fn staff_keep_practitioners(admin: &Person) {
    let family_name = format!("Haddad {}", records::unique());
    let made = admin.client.post("/api/v1/practitioners", &records::practitioner("Noor", &family_name)).await;
    let id = made.expect(201).text("id");
    let path = format!("/api/v1/practitioners/{id}");
    assert_eq!(admin.client.get(&path).await.expect(200).body, made.body);
    let changed = admin.client.patch(&path, &json!({"specialty": "neurology"})).await;
    assert_eq!((&changed.expect(200)["specialty"], &changed["prefix"]), (&json!("neurology"), &json!("Dr.")));
    let replaced = admin
        .client
        .put(&path, &json!({"given_name": "Nour", "family_name": family_name, "specialty": "neurology"}))
        .await;
    assert_eq!((&replaced.expect(200)["given_name"], &replaced["prefix"]), (&json!("Nour"), &Value::Null));
    found(admin, "/api/v1/practitioners", &family_name, &id, &["status=active", "specialty=neurology"]).await;
    empty(admin, "/api/v1/practitioners", &family_name, &["status=inactive", "specialty=cardiology"]).await;
    admin.client.delete(&path).await.expect(204);
    assert_eq!(admin.client.get(&path).await.expect(200)["status"], "inactive");
    pages(admin, "/api/v1/practitioners", &records::practitioner("Eva", "Ek")).await;
}

pub async fn staff_keep_departments(admin: &Person) {
    let name = format!("Cardiology {}", records::unique());
    let made = admin.client.post("/api/v1/departments", &json!({"name": name})).await;
    let id = made.expect(201).text("id");
    assert_eq!((&made["kind"], &made["status"]), (&json!("department"), &json!("active")));
    let path = format!("/api/v1/departments/{id}");
    admin.client.patch(&path, &json!({"kind": "clinic"})).await.expect(200);
    found(admin, "/api/v1/departments", &name, &id, &["status=active", "kind=clinic"]).await;
    admin.client.delete(&path).await.expect(204);
    assert_eq!(admin.client.get(&path).await.expect(200)["status"], "inactive");
}

fn ids(list: &Answer) -> Vec<String> {
    list.results().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

/// Each filter, with a search for the text, finds exactly this one.
async fn found(admin: &Person, path: &str, text: &str, id: &str, filters: &[&str]) {
    for filter in filters {
        let list = search(admin, path, text, filter).await;
        assert_eq!(ids(&list), [id], "{filter}: {:#}", list.body);
        assert_eq!(list["count"], 1, "{filter}");
    }
}

async fn empty(admin: &Person, path: &str, text: &str, filters: &[&str]) {
    for filter in filters {
        let list = search(admin, path, text, filter).await;
        assert_eq!(ids(&list), [""; 0], "{filter}: {:#}", list.body);
        assert_eq!(list["count"], 0, "{filter}");
    }
}

async fn search(admin: &Person, path: &str, text: &str, filter: &str) -> Answer {
    let text = text.replace(' ', "%20").replace('Ö', "%C3%B6");
    let list = admin.client.get(&format!("{path}?search={text}&{filter}")).await;
    list.expect(200);
    list
}

/// The pages by number and those by cursor show every record once, and agree on which there are.
async fn pages(admin: &Person, path: &str, record: &Value) {
    for _ in 0..3 {
        admin.make(path, record).await;
    }
    let numbered = follow(admin, format!("{path}?page_size=2&ordering=-created_at")).await;
    let by_cursor = follow(admin, format!("{path}?page_size=2&cursor=")).await;
    assert_eq!(numbered.len(), by_cursor.len());
    let sorted = |mut ids: Vec<String>| {
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let count = numbered.len();
    let numbered = sorted(numbered);
    assert_eq!(numbered.len(), count, "a record stands on two pages");
    assert_eq!(numbered, sorted(by_cursor));
    let first = admin.client.get(&format!("{path}?page_size=2")).await;
    assert_eq!((&first["count"], &first["previous"]), (&json!(count), &Value::Null));
}

async fn follow(admin: &Person, first: String) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Some(first);
    while let Some(path) = next {
        let page = admin.client.get(&path).await;
        found.extend(ids(page.expect(200)));
        next = page["next"].as_str().map(str::to_owned);
    }
    found
}
