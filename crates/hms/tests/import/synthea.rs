//! The import as a library: what becomes of the rows, and of trouble on the way.

use hms::import::synthea::{ImportError, Options, run};
use hms::import::{Counts, Report, RowReport};
use serde_json::{Value, json};

use crate::api::{Api, Fault, data};

async fn import(options: Options) -> Result<(Report, String), ImportError> {
    let mut out = Vec::new();
    let report = run(options, &mut out).await?;
    Ok((report, String::from_utf8(out).unwrap()))
}

/// The counts of the four files: read, created, already there, refused.
fn counts(report: &Report) -> Vec<(u64, u64, u64, u64)> {
    let of = |Counts { read, created, already_there, refused }| (read, created, already_there, refused);
    report.files.iter().map(|file| of(file.counts)).collect()
}

fn lines(rows: &[RowReport]) -> Vec<String> {
    rows.iter().map(|RowReport { file, line, reason }| format!("{file}, line {line}: {reason}")).collect()
}

const ALL_CREATED: [(u64, u64, u64, u64); 4] = [(3, 3, 0, 0), (4, 4, 0, 0), (5, 5, 0, 0), (12, 12, 0, 0)];
const ALL_THERE: [(u64, u64, u64, u64); 4] = [(3, 0, 3, 0), (4, 0, 4, 0), (5, 0, 5, 0), (12, 0, 12, 0)];

#[actix_web::test]
async fn every_row_becomes_a_record_and_a_second_run_changes_nothing() {
    let api = Api::start();
    let (report, told) = import(api.options("synthea-small")).await.unwrap();
    assert_eq!(counts(&report), ALL_CREATED);
    assert!(report.is_complete());
    assert!(told.contains("encounters.csv: 12 read, 12 created, 0 already there, 0 refused\n"), "{told}");
    assert_eq!(report.not_read, ["payers.csv"]);
    assert_eq!(report.files[1].not_used, ["ADDRESS", "CITY", "STATE", "ZIP", "LAT", "LON", "UTILIZATION"]);
    assert!(report.files[2].not_used.contains(&"DRIVERS".into()));
    let before = api.everything();

    let (report, _) = import(api.options("synthea-small")).await.unwrap();
    assert_eq!(counts(&report), ALL_THERE, "the keys give the first answers again");
    assert_eq!(api.everything(), before);

    api.forget_keys();
    let (report, _) = import(api.options("synthea-small")).await.unwrap();
    assert_eq!(counts(&report), ALL_THERE, "a day later the identifiers tell");
    assert_eq!(api.everything(), before);
}

#[actix_web::test]
async fn appointments_name_the_records_of_their_row() {
    let api = Api::start();
    import(api.options("synthea-small")).await.unwrap();
    let appointments = api.records("appointments");
    let appointment = appointments.iter().find(|record| record["start"] == "2022-06-06T06:00:00Z").unwrap();
    let named = |resource: &str, field: &str| {
        let records = api.records(resource);
        records.into_iter().find(|record| record["id"] == appointment[field]).unwrap()
    };
    assert_eq!(named("patients", "patient_id")["family_name"], "Jónsson4");
    assert_eq!(named("practitioners", "practitioner_id")["family_name"], "Adeyemi11");
    assert_eq!(named("departments", "department_id")["name"], "OLD MILL CONVALESCENT HOME");
    assert_eq!(appointment["end"], "2022-06-08T06:00:00Z");
    assert_eq!(appointment["status"], "fulfilled");
    assert_eq!(appointment["reason"], "Fracture of forearm");
}

#[actix_web::test]
async fn what_encounters_cost_becomes_invoices_split_by_payer() {
    let api = Api::start();
    for _ in 0..2 {
        let (report, _) = import(api.options("synthea-costs")).await.unwrap();
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(report.not_read, Vec::<String>::new());
        assert_eq!(report.files[3].not_used, ["ENCOUNTERCLASS", "REASONCODE"]);
        assert_eq!(report.files.last().unwrap().file, "encounters.csv, costs");
        let last = report.files.last().unwrap().counts;
        assert_eq!((last.read, last.created + last.already_there), (12, 12));
        api.forget_keys();
    }
    assert_eq!(api.records("billing/payers").len(), 1);
    let invoices = api.records("billing/invoices");
    assert_eq!(invoices.len(), 12, "the second run brings nothing twice");
    let sum = |of: &dyn Fn(&Value) -> i64| invoices.iter().map(of).sum::<i64>();
    let net = |line: &Value| line["unit_price"].as_i64().unwrap() - line["discount_amount"].as_i64().unwrap();
    let total = sum(&|invoice| invoice["lines"].as_array().unwrap().iter().map(net).sum());
    // 480.55 + 80.00 + 100.01 + 9 x 80.00 of encounters, 26.60 + 25.29 of medication.
    assert_eq!(total, 138_056 + 5_189);
    // 384.44 + 33.34 + 80.00, and 5.32 of medication.
    assert_eq!(sum(&|invoice| invoice["issue"]["payer_due"].as_i64().unwrap()), 49_778 + 532);
    let of = |number: &str| {
        let all = invoices.iter();
        all.clone().find(|invoice| invoice["reference"].as_str().unwrap().ends_with(number)).unwrap().clone()
    };
    let first = of("000000000001");
    let described: Vec<_> =
        first["lines"].as_array().unwrap().iter().map(|line| &line["description"]).collect();
    assert_eq!(described.last().unwrap(), &"Other services");
    assert_eq!(first["issue"]["issued_on"], "2018-05-01");
    let third = of("000000000003");
    let discounts: i64 =
        third["lines"].as_array().unwrap().iter().map(|line| line["discount_amount"].as_i64().unwrap()).sum();
    assert_eq!(discounts, 8_000 + 6_000 + 3_333 - 10_001);
}

/// The bad rows in their order: of two patients with one number, the first in the file is the first there.
fn one_by_one(api: &Api) -> Options {
    Options { concurrency: 1, ..api.options("synthea-bad") }
}

#[actix_web::test]
async fn bad_rows_are_told_and_stop_no_other() {
    let api = Api::start();
    let (report, told) = import(one_by_one(&api)).await.unwrap();
    assert_eq!(counts(&report), [(5, 2, 0, 3), (4, 1, 0, 3), (10, 2, 0, 8), (10, 2, 0, 8)]);
    let expected = [
        "encounters.csv, line 3: STOP is not after START",
        "encounters.csv, line 4: PATIENT 0000000c-0000-4000-8000-000000000002 has no usable row in patients.csv",
        "encounters.csv, line 5: PROVIDER 0000000b-0000-4000-8000-000000000002 has no usable row in providers.csv",
        "encounters.csv, line 6: ORGANIZATION 0000000a-0000-4000-8000-000000000003 has no usable row in organizations.csv",
        "encounters.csv, line 7: START is not a time such as 2020-12-31T23:59:59Z: yesterday",
        "encounters.csv, line 8: the same Id stands in line 2 already",
        "encounters.csv, line 9: PATIENT 0000000c-0000-4000-8000-000000000009 has no usable row in patients.csv",
        "encounters.csv, line 10: STOP lies in the future, so this has not taken place: 2999-01-01T00:15:00Z",
        "organizations.csv, line 4: NAME is empty",
        "organizations.csv, line 5: the same Id stands in line 2 already",
        "organizations.csv, line 6: has 2 fields where the header has 11",
        "patients.csv, line 3: BIRTHDATE is not a date such as 1980-12-31: 1984-02-30",
        "patients.csv, line 4: GENDER is not M or F: U",
        "patients.csv, line 5: FIRST is empty",
        "patients.csv, line 6: DEATHDATE is before BIRTHDATE",
        "patients.csv, line 7: LAST is not UTF-8",
        "patients.csv, line 8: has 27 fields where the header has 25",
        "patients.csv, line 9: a quotation mark is never closed",
        "patients.csv, line 10: 409 DUPLICATE: As the test wants it. (id \"patients-1\"): that is another record, \
         which shares one of the other identifiers",
        "providers.csv, line 3: ORGANIZATION 0000000a-0000-4000-8000-000000000003 has no usable row in organizations.csv",
        "providers.csv, line 4: NAME is not a given name and a family name: Quist9",
        "providers.csv, line 5: GENDER is not M or F: X",
    ];
    assert_eq!(lines(&report.refused), expected);
    let phone = "organizations.csv, line 3: PHONE is left out, it is not a number of the United States: ask at the desk";
    assert_eq!(lines(&report.left_out), [phone]);
    for line in
        expected.iter().map(|line| format!("refused: {line}\n")).chain([format!("left out: {phone}\n")])
    {
        assert!(told.contains(&line), "{line} is not in {told}");
    }
}

#[actix_web::test]
async fn a_patient_with_anothers_number_is_never_taken_for_that_one() {
    let api = Api::start();
    import(one_by_one(&api)).await.unwrap();
    let patients = api.records("patients");
    let names: Vec<_> = patients.iter().map(|record| &record["given_name"]).collect();
    assert_eq!(names, ["Loida499", "Fine10"]);
    let of_loida =
        api.records("appointments").iter().filter(|record| record["patient_id"] == "patients-1").count();
    assert_eq!(of_loida, 1, "the encounter of Same9, who has the same number, is not hers");
}

#[actix_web::test]
async fn a_busy_server_and_lost_answers_are_waited_out() {
    let api = Api::start();
    let busy = |status, code| Fault::Answer(status, code, json!({}));
    api.fail("departments", [busy(503, "UNAVAILABLE"), busy(429, "RATE_LIMITED"), busy(503, "UNAVAILABLE")]);
    api.fail("practitioners", [busy(502, "BAD_GATEWAY"), busy(504, "GATEWAY_TIMEOUT")]);
    api.fail("patients", [busy(409, "IDEMPOTENCY_IN_FLIGHT")]);
    api.fail("appointments", [Fault::LoseAnswer]);
    let (report, _) = import(api.options("synthea-small")).await.unwrap();
    let expected = [(3, 3, 0, 0), (4, 4, 0, 0), (5, 5, 0, 0), (12, 11, 1, 0)];
    assert_eq!(counts(&report), expected, "the one whose answer was lost is found there");
    assert_eq!(api.records("appointments").len(), 12);
}

#[actix_web::test]
async fn a_server_that_stays_busy_ends_the_import() {
    let api = Api::start();
    api.fail("patients", vec![Fault::Answer(503, "UNAVAILABLE", json!({})); 10_000]);
    let error = import(api.options("synthea-small")).await.unwrap_err().to_string();
    assert!(error.contains("keeps answering 503"), "{error}");
}

#[actix_web::test]
async fn a_token_that_runs_out_is_refreshed_once_for_all() {
    let api = Api::start();
    api.fail("appointments", [Fault::ExpireAccess]);
    let (report, _) = import(api.options("synthea-small")).await.unwrap();
    assert_eq!(counts(&report), ALL_CREATED);
    assert_eq!(api.sign_ins(), (1, 1));
}

#[actix_web::test]
async fn where_the_refresh_token_has_run_out_too_the_password_serves() {
    let api = Api::start();
    api.fail("patients", [Fault::ExpireAll]);
    let (report, _) = import(api.options("synthea-small")).await.unwrap();
    assert_eq!(counts(&report), ALL_CREATED);
    assert_eq!(api.sign_ins(), (2, 0));
}

fn unknown(field: &str) -> Fault {
    Fault::Answer(422, "UNKNOWN_REFERENCE", json!({ "field": field }))
}

#[actix_web::test]
async fn appointments_wait_until_their_patient_is_known() {
    let api = Api::start();
    api.fail("appointments", vec![unknown("patient_id"); 40]);
    let (report, _) = import(api.options("synthea-small")).await.unwrap();
    assert_eq!(counts(&report), ALL_CREATED);
}

#[actix_web::test]
async fn what_never_becomes_known_is_refused_in_the_end() {
    let api = Api::start();
    api.fail("appointments", vec![unknown("practitioner_id"); 10_000]);
    let (report, _) = import(api.options("synthea-small")).await.unwrap();
    assert_eq!(counts(&report)[3], (12, 0, 0, 12));
    let reason = "422 UNKNOWN_REFERENCE: As the test wants it. (field \"practitioner_id\")";
    assert!(report.refused.iter().all(|row| row.reason == reason), "{:?}", report.refused);
}

#[actix_web::test]
async fn a_taken_slot_is_refused_and_not_taken_for_the_same_record() {
    let api = Api::start();
    api.fail("appointments", [Fault::Answer(409, "SLOT_TAKEN", json!({ "id": "appointments-9" }))]);
    let (report, _) = import(api.options("synthea-small")).await.unwrap();
    assert_eq!(counts(&report)[3], (12, 11, 0, 1));
}

#[actix_web::test]
async fn stopped_in_the_middle_and_run_again_it_completes() {
    let (stopped, straight) = (Api::start(), Api::start());
    let mut options = stopped.options("synthea-small");
    options.concurrency = 2;
    let through = [Fault::ExpireAccess, Fault::ExpireAccess];
    stopped.fail("patients", through.into_iter().chain([Fault::Answer(403, "FORBIDDEN", json!({}))]));
    let error = import(options.clone()).await.unwrap_err().to_string();
    assert!(error.contains("admin@hms.local may not use patients"), "{error}");

    let (report, _) = import(options).await.unwrap();
    assert!(report.is_complete());
    import(straight.options("synthea-small")).await.unwrap();
    for resource in ["departments", "practitioners", "patients", "appointments"] {
        assert_eq!(by_identifier(&stopped, resource), by_identifier(&straight, resource));
    }
}

/// The own identifiers of all records, in order.
fn by_identifier(api: &Api, resource: &str) -> Vec<String> {
    let own = |record: &Value| record["identifiers"][0]["value"].as_str().unwrap().to_owned();
    let mut all: Vec<_> = api.records(resource).iter().map(own).collect();
    all.sort();
    all
}

#[actix_web::test]
async fn what_cannot_be_read_is_a_clear_sentence_before_anything_is_sent() {
    let api = Api::start();
    let none = import(api.options("no-such-folder")).await.unwrap_err().to_string();
    assert_eq!(none, format!("there is no folder {}", data("no-such-folder")));
    let no_file = import(api.options("")).await.unwrap_err().to_string();
    assert!(no_file.contains("organizations.csv") && no_file.contains("No such file"), "{no_file}");
    let header = import(api.options("synthea-no-gender")).await.unwrap_err().to_string();
    assert_eq!(header, "patients.csv: the header has no column LAST, GENDER");
    assert_eq!(api.sign_ins(), (0, 0));
}

#[actix_web::test]
async fn a_server_that_cannot_be_used_is_a_clear_sentence() {
    let api = Api::start();
    let at = |url: &str| Options { url: url.into(), ..api.options("synthea-small") };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = import(at(&format!("http://{free}"))).await.unwrap_err().to_string();
    assert!(nobody.contains("no HMS answers at") && nobody.contains("refused"), "{nobody}");
    let address = import(at("ftp://127.0.0.1")).await.unwrap_err().to_string();
    assert_eq!(address, "ftp://127.0.0.1 is not an http or https address");
    let elsewhere = import(at(&format!("{}/elsewhere", api.url))).await.unwrap_err().to_string();
    assert!(elsewhere.contains("does not answer as HMS does: 404 Not Found to auth/login"), "{elsewhere}");
    let mut options = api.options("synthea-small");
    options.credentials.username = "ann".into();
    let wrong = import(options).await.unwrap_err().to_string();
    assert!(wrong.contains("does not know the user name ann with this password"), "{wrong}");
}
