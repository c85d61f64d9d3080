//! Migrations expand: while one runs, requests go on, and the version before goes on with the tables that it makes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

mod allowed;
mod check;
mod lint;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hms_tests::repository;

use crate::allowed::ALLOWED;
use crate::lint::{Danger, dangers};

/// Each folder of a migration: those of the services, and those that stand for a next version in the tests.
fn migrations() -> Vec<PathBuf> {
    let root = repository();
    let mut found: Vec<PathBuf> = ["migrations", "tests/cluster/next"]
        .iter()
        .flat_map(|folder| folders(&root.join(folder)))
        .flat_map(|service| folders(&service))
        .collect();
    found.sort();
    found
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

/// `auth/2026-11-21-000001_accounts`.
fn name(migration: &Path) -> String {
    let parts: Vec<_> = migration.iter().rev().take(2).map(|part| part.to_str().unwrap()).collect();
    format!("{}/{}", parts[1], parts[0])
}

/// The dangers of a migration, where it runs on PostgreSQL: a file of SQLite has one writer anyway, and one process.
fn dangers_of(migration: &Path) -> Vec<(Danger, String)> {
    if name(migration).ends_with("_sqlite") {
        return Vec::new();
    }
    let metadata = fs::read_to_string(migration.join("metadata.toml")).unwrap_or_default();
    let text = fs::read_to_string(migration.join("up.sql")).unwrap();
    dangers(&text, !metadata.contains("run_in_transaction = false"))
}

#[test]
fn no_migration_stops_requests_or_breaks_the_version_before() {
    let mut met = BTreeSet::new();
    let mut faults = Vec::new();
    let all = migrations();
    assert!(all.len() > 40, "{}", all.len());
    for migration in &all {
        let name = name(migration);
        for (danger, statement) in dangers_of(migration) {
            let known = |(allowed, of, _): &&(&str, Danger, &str)| *allowed == name && *of == danger;
            match ALLOWED.iter().find(known) {
                Some((allowed, of, _)) => {
                    met.insert((*allowed, *of));
                }
                None => faults.push(format!("{name}: {danger:?}: {statement}")),
            }
        }
    }
    let unmet = ALLOWED.iter().filter(|(allowed, of, _)| !met.contains(&(*allowed, *of)));
    faults.extend(unmet.map(|(allowed, of, _)| format!("{allowed} has no {of:?}, which is allowed")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(ALLOWED.iter().all(|(_, _, reason)| reason.len() > 20), "each entry gives its reason");
}

#[test]
fn every_migration_can_be_taken_back() {
    for migration in migrations() {
        let down = fs::read_to_string(migration.join("down.sql")).unwrap_or_default();
        assert!(!down.trim().is_empty(), "{} has no down.sql", name(&migration));
    }
}
