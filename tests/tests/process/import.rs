//! `hms import synthea` through the binary.

use std::collections::{BTreeMap, BTreeSet};

use hms_tests::{Folder, Outcome, PATIENCE, Person, Platform, Process, repository, until};
use serde_json::Value;

/// A file with the number of rows that an import shall read of it.
type Rows = [(&'static str, u64); 4];

pub async fn a_small_export(platform: Platform) {
    let folder = repository().join("crates/hms/tests/data/synthea-costs");
    let rows = [("organizations.csv", 3), ("providers.csv", 4), ("patients.csv", 5), ("encounters.csv", 12)];
    let first = import(&platform, folder.to_str().unwrap()).await;
    assert_eq!(counts(&first, &["created"]), rows, "{}", first.stderr);
    all_is_there(&platform, folder.to_str().unwrap(), &rows).await;
}

/// Where the data is at hand, beside the repository. The first run is killed in the middle of its appointments.
pub async fn a_real_export(mut platform: Platform) {
    let folder = repository().join("../shared/data/synthea");
    if !folder.is_dir() {
        println!("left out: there is no {}", folder.display());
        return;
    }
    let folder = folder.to_str().unwrap();
    let rows =
        [("organizations.csv", 173), ("providers.csv", 173), ("patients.csv", 59), ("encounters.csv", 2590)];
    killed_in_the_middle(&platform, folder).await;
    let completed = import(&platform, folder).await;
    assert_eq!(counts(&completed, &["created", "already_there"]), rows, "{}", completed.stderr);
    all_is_there(&platform, folder, &rows).await;
    platform.restart().await;
    assert_eq!(in_lists(&platform).await, rows.map(|(_, rows)| rows));
}

async fn import(platform: &Platform, folder: &str) -> Outcome {
    platform.run(&["import", "synthea", folder, "--json"]).await
}

async fn killed_in_the_middle(platform: &Platform, folder: &str) {
    let own = Folder::new();
    let mut process = Process::start(platform.command(&["import", "synthea", folder]), own.path());
    let admin = platform.admin().await;
    until("some appointments", 3 * PATIENCE, async || {
        assert!(process.ended().is_none(), "it ended by itself: {}", process.stdout());
        (count_of(&admin, "appointments").await >= 100).then_some(())
    })
    .await;
    process.kill();
    assert!(count_of(&admin, "appointments").await < 2590, "it was done before it was killed");
}

/// Every row is there, and another run finds them all and changes nothing.
async fn all_is_there(platform: &Platform, folder: &str, rows: &Rows) {
    let before = in_lists(platform).await;
    assert_eq!(before, rows.map(|(_, rows)| rows));
    the_ledger_is_what_the_files_say(platform, folder).await;
    the_figures_are_what_the_files_say(platform, folder).await;
    let again = import(platform, folder).await;
    assert_eq!(counts(&again, &["already_there"]), *rows, "{}", again.stderr);
    assert_eq!(in_lists(platform).await, before);
    the_ledger_is_what_the_files_say(platform, folder).await;
    the_figures_are_what_the_files_say(platform, folder).await;
}

/// Each encounter counts for the day on which it began, once, and what it cost is revenue.
async fn the_figures_are_what_the_files_say(platform: &Platform, folder: &str) {
    let mut table = csv::Reader::from_path(format!("{folder}/encounters.csv")).unwrap();
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for row in table.records() {
        *expected.entry(row.unwrap()[1][..10].to_owned()).or_default() += 1;
    }
    let years = expected.keys().map(|day| day[..4].to_owned()).collect::<BTreeSet<_>>();
    let patients = count_of(&platform.admin().await, "patients").await;
    let admin = platform.admin().await;
    let net = -ledger_balance(&admin, "4000").await;
    until("the figures", 4 * PATIENCE, async || {
        let (mut days, mut revenue) = (BTreeMap::new(), 0);
        for year in &years {
            let path = format!("/api/v1/analytics/daily?from={year}-01-01&to={year}-12-31");
            for row in admin.client.get(&path).await.expect(200).results() {
                let count = row["appointments"].as_i64().unwrap();
                if count > 0 {
                    days.insert(row["from"].as_str().unwrap().to_owned(), count);
                }
                let usd = row["revenue"].as_array().unwrap().iter().find(|money| money["currency"] == "USD");
                revenue += usd.map_or(0, |money| money["net"].as_i64().unwrap());
            }
        }
        (days == expected && revenue == net).then_some(())
    })
    .await;
    let front = admin.client.get("/api/v1/analytics/dashboard").await;
    assert_eq!(front.expect(200)["last_30_days"]["new_patients"], patients);
}

async fn ledger_balance(admin: &Person, account: &str) -> i64 {
    let report = admin.client.get("/api/v1/accounting/reports/trial-balance?currency=USD").await;
    let rows = report.expect(200)["accounts"].as_array().unwrap();
    rows.iter().find(|row| row["account"] == account).unwrap()["balance"].as_i64().unwrap()
}

/// To the cent: what insurances and patients owe, and what it was for.
async fn the_ledger_is_what_the_files_say(platform: &Platform, folder: &str) {
    let sum = |file: &str, column: &str| -> i64 {
        let mut table = csv::Reader::from_path(format!("{folder}/{file}")).unwrap();
        let at = table.headers().unwrap().iter().position(|name| name == column).unwrap();
        let cents = |row: csv::StringRecord| {
            let (whole, part) = row[at].split_once('.').unwrap();
            whole.parse::<i64>().unwrap() * 100 + part.parse::<i64>().unwrap()
        };
        table.records().map(|row| cents(row.unwrap())).sum()
    };
    let total = sum("encounters.csv", "TOTAL_CLAIM_COST") + sum("medications.csv", "TOTALCOST");
    let covered = sum("encounters.csv", "PAYER_COVERAGE") + sum("medications.csv", "PAYER_COVERAGE");
    let admin = platform.admin().await;
    for (account, balance) in [("1110", covered), ("1100", total - covered), ("4000", -total)] {
        assert_eq!(ledger_balance(&admin, account).await, balance, "{account}");
    }
    let invoices = count_of(&admin, "billing/invoices").await;
    assert_eq!(invoices, count_of(&admin, "appointments").await, "an invoice for each encounter");
}

/// The rows of each file that came to these; every row that was read must have.
fn counts(outcome: &Outcome, names: &[&str]) -> Rows {
    let report: Value = serde_json::from_str(&outcome.expect(0).stdout).unwrap();
    assert_eq!(report["refused"].as_array().unwrap().len(), 0, "{report:#}");
    let files = ["organizations.csv", "providers.csv", "patients.csv", "encounters.csv"];
    files.map(|file| {
        let found = report["files"].as_array().unwrap().iter().find(|found| found["file"] == file).unwrap();
        let rows = names.iter().map(|name| found[name].as_u64().unwrap()).sum();
        assert_eq!(found["read"], rows, "{report:#}");
        (file, rows)
    })
}

/// Departments, practitioners, patients and appointments, in the order of the files.
async fn in_lists(platform: &Platform) -> [u64; 4] {
    let admin = platform.admin().await;
    let mut counts = [0; 4];
    for (count, list) in counts.iter_mut().zip(["departments", "practitioners", "patients", "appointments"]) {
        *count = count_of(&admin, list).await;
    }
    counts
}

async fn count_of(admin: &Person, list: &str) -> u64 {
    let answer = admin.client.get(&format!("/api/v1/{list}?page_size=1")).await;
    answer.expect(200)["count"].as_u64().unwrap()
}
