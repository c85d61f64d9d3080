//! The figures of docs/scale.md are those that its model makes.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use std::process::Command;

use hms_tests::repository;

#[test]
fn the_page_says_what_the_model_says() {
    let model = repository().join("deploy/scale.py");
    let checked = Command::new(model).arg("--check").output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
