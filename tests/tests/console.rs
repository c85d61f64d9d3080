//! The page at `/console/analytics`, clicked through by a real browser.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

use std::path::Path;

use chrono::TimeDelta;
use hms_model::Clock;
use hms_tests::{ADMIN_PASSWORD, PATIENCE, Person, Platform, on_both_kinds, records, until};
use serde_json::{Value, json};

const SCRIPT: &str = "console/run.sh";
/// What would be done if a name became markup; and as long as a name may be among those of a state.
const EVIL: &str =
    "<img src=x onerror=alert(1)> of the Regional Medical Center, Rehabilitation and Long-term Care";

on_both_kinds! {
    async fn a_browser_signs_in_and_sees_the_figures(kind) {
        if std::process::Command::new("chromium").arg("--version").output().is_err() {
            // One that has no browser is told how to get it; the page's files and policy have tests without one.
            println!("left out: chromium is missing (tests/console/run.sh --install)");
            return;
        }
        let platform = Platform::start(kind).await;
        let admin = platform.admin().await;
        a_day_of_work(&admin).await;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT);
        let mut browser = tokio::process::Command::new(script);
        browser.arg(platform.gateway_url()).env("HMS_USERNAME", "admin").env("HMS_PASSWORD", ADMIN_PASSWORD);
        if let Some(folder) = hms_settings::Settings::from_environment().get("HMS_TEST_SCREENSHOTS") {
            browser.arg(folder);
        }
        let outcome = browser.output().await.expect("bash, node and npm");
        let complained = String::from_utf8_lossy(&outcome.stderr);
        assert!(outcome.status.success(), "{complained}");
        check(&serde_json::from_slice(&outcome.stdout).unwrap());
    }
}

/// An appointment that took place, at a department with a bad name, and an invoice for it.
async fn a_day_of_work(admin: &Person) {
    let department = admin.make("/api/v1/departments", &json!({"name": EVIL})).await;
    let practitioner = admin.make("/api/v1/practitioners", &records::practitioner("Mia", "Chen")).await;
    let patient = admin.make("/api/v1/patients", &records::patient("Ann", "Andersson")).await;
    let start = Clock::system().now() - TimeDelta::minutes(90);
    let mut body = records::booking(&patient, &practitioner, start);
    body["department_id"] = json!(department);
    body["status"] = json!("fulfilled");
    admin.book(&body).await;
    let invoice = json!({
        "patient_id": patient, "department_id": department, "currency": "EUR",
        "lines": [{"description": "A visit", "unit_price": 12_345}], "issue": {},
    });
    admin.make_once_known("/api/v1/billing/invoices", &invoice).await;
    until("the figures", PATIENCE, async || {
        let front = admin.client.get("/api/v1/analytics/dashboard").await;
        let month = &front.expect(200)["last_30_days"];
        let all_there = month["appointments"] == 1 && month["revenue"][0]["invoiced"] == 12_345;
        (all_there && front["departments"][0]["name"] == EVIL && month["new_patients"] == 1).then_some(())
    })
    .await;
}

fn check(seen: &Value) {
    assert_eq!((&seen["complaints"], &seen["elsewhere"]), (&json!([]), &json!([])), "{seen:#}");
    assert_eq!(seen["refused"], "The user name or the password is wrong.");
    assert_eq!((&seen["notice"], &seen["address"]), (&json!(false), &json!("/console/analytics")));
    let cards = seen["cards"].as_array().unwrap();
    assert_eq!(cards.len(), 8, "{cards:?}");
    assert_eq!(cards[0][0], "Appointments");
    let charts = ["Appointments", "No-show rate", "Wait at the counter", "Queue", "Utilisation", "Revenue"];
    assert_eq!(seen["charts"], json!(charts));
    let sentence = seen["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("Appointments, ") && sentence.contains("took place: "), "{sentence}");
    assert_eq!((&seen["days"], &seen["drawn"]), (&json!(30), &json!(true)));
    // Nobody waited at the counter, and nobody has a schedule.
    let nothing = "Nothing was counted in this span.";
    assert_eq!(seen["empty"], json!([["Wait at the counter", nothing], ["Utilisation", nothing]]));
    assert_eq!(seen["last"], 90);
    assert_eq!(seen["own"], 89, "the first and the last day that were shown");
    assert_eq!(seen["departments"], json!(["all of them", EVIL]));
    assert_eq!(seen["file"], "weekly.csv");
    assert_ne!(seen["light"], seen["dark"]);
    assert_eq!(seen["kept"], json!([0, 0, ""]));
    assert_eq!((&seen["afterwards"], &seen["tooWide"]), (&json!([true, "username"]), &json!([])));
}
