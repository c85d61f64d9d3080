//! `hms import synthea` as a shell sees it: exit codes, stdout and stderr.

use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::api::{Api, PASSWORD, data};

async fn hms(args: &[&str], password: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hms"));
    command.args(args).env_clear().env("HMS_ADMIN_PASSWORD", password);
    // A machine without any certificates imports over http all the same.
    command.env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent");
    command.output().await.unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[actix_web::test]
async fn all_rows_there_is_0_and_a_table() {
    let api = Api::start();
    let output = hms(&["import", "synthea", &data("synthea-small"), "--url", &api.url], PASSWORD).await;
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stderr, "");
    let table = "
                       read   created  already there   refused
organizations.csv         3         3              0         0
providers.csv             4         4              0         0
patients.csv              5         5              0         0
encounters.csv           12        12              0         0

not used yet: organizations.csv: LAT, LON, REVENUE, UTILIZATION
";
    assert!(stdout.contains(table), "{stdout}");
    assert!(stdout.ends_with("\nnot read yet: payers.csv\n"), "{stdout}");
}

#[actix_web::test]
async fn refused_rows_are_2_and_json_is_alone_on_stdout() {
    let api = Api::start();
    let args = ["import", "synthea", &data("synthea-bad"), "--url", &api.url, "--json"];
    let output = hms(&args, PASSWORD).await;
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let first = &report["files"][0];
    let counts = ["read", "created", "already_there", "refused"].map(|name| first[name].as_u64().unwrap());
    assert_eq!((&first["file"], counts), (&"organizations.csv".into(), [5, 2, 0, 3]));
    let expected = json!({ "file": "organizations.csv", "line": 4, "reason": "NAME is empty" });
    assert!(report["refused"].as_array().unwrap().contains(&expected), "{stdout}");
    assert!(stderr.contains("refused: organizations.csv, line 4: NAME is empty\n"), "{stderr}");
}

#[actix_web::test]
async fn what_cannot_run_is_1_and_a_sentence() {
    let api = Api::start();
    let (small, url) = (data("synthea-small"), api.url.as_str());
    let cases = [
        (vec!["import", "synthea", &small, "--url", url], "wrong", "with this password"),
        (vec!["import", "synthea", "/no/such/folder", "--url", url], PASSWORD, "there is no folder /no/such"),
        (vec!["import", "synthea", &small, "--url", url, "--password-file", "/no/file"], "", "/no/file"),
        (vec!["import", "synthea", &small, "--url", "nowhere"], PASSWORD, "nowhere is not an http"),
        (vec!["import", "synthea"], PASSWORD, "Usage"),
        (vec!["import", "fhir"], PASSWORD, "unrecognized subcommand"),
    ];
    for (args, password, expected) in cases {
        let output = hms(&args, password).await;
        let stderr = text(output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
        assert_eq!(text(output.stdout), "");
    }
}
