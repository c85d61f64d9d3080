//! The map of `docs/security.md` leads somewhere: every risk has tests, and every test that it names is there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use std::fs;

use hms_tests::repository;

/// The tests that a line names: `path/of/the/file.rs::name`.
fn named(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split('`').filter_map(|word| word.split_once(".rs::").map(|_| word.rsplit_once("::").unwrap()))
}

#[test]
fn every_risk_has_tests_and_they_are_there() {
    let text = fs::read_to_string(repository().join("docs/security.md")).unwrap();
    let mut complaints = Vec::new();
    for risk in 1..=10 {
        let row = text.lines().find(|line| line.starts_with(&format!("| API{risk} ")));
        if row.is_none_or(|row| named(row).next().is_none()) {
            complaints.push(format!("- API{risk} has no test"));
        }
    }
    for (file, test) in text.lines().flat_map(named) {
        let source = fs::read_to_string(repository().join(file)).unwrap_or_default();
        if !source.contains(&format!("fn {test}(")) {
            complaints.push(format!("- {file} has no test {test}"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
