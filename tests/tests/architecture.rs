//! The arrows that must never be, checked from `cargo metadata` and the sources. ARCHITECTURE.md tells why.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use hms_model::service::SERVICES;
use serde_json::Value;

struct Package {
    folder: PathBuf,
    dependencies: BTreeSet<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What each package of the workspace needs when it runs; what only its tests need does not count.
fn packages() -> BTreeMap<String, Package> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let dependencies = dependencies.filter(|dependency| dependency["kind"].is_null());
        let names = dependencies.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect();
        let folder = manifest.parent().unwrap().to_owned();
        (package["name"].as_str().unwrap().to_owned(), Package { folder, dependencies: names })
    });
    packages.collect()
}

fn in_folder<'a>(
    packages: &'a BTreeMap<String, Package>,
    folder: &str,
) -> impl Iterator<Item = (&'a String, &'a Package)> {
    let folder = root().join(folder);
    packages.iter().filter(move |(_, package)| package.folder.starts_with(&folder))
}

fn service_packages() -> BTreeSet<String> {
    SERVICES.iter().map(|service| format!("hms-{}", service.name)).collect()
}

#[test]
fn the_list_of_services_is_what_lies_in_the_folder() {
    let packages = packages();
    let folders: BTreeSet<_> = in_folder(&packages, "services").map(|(name, _)| name.clone()).collect();
    assert_eq!(folders, service_packages());
    let run = &packages["hms"].dependencies;
    assert!(service_packages().is_subset(run), "the command runs every service of the list");
}

#[test]
fn no_service_depends_on_a_service_and_no_shared_crate_on_one() {
    let packages = packages();
    let services = service_packages();
    let bound = in_folder(&packages, "services").chain(in_folder(&packages, "crates"));
    for (name, package) in bound.filter(|(name, _)| *name != "hms") {
        let wrong: Vec<_> = package.dependencies.intersection(&services).collect();
        assert!(wrong.is_empty(), "{name} depends on {wrong:?}");
    }
}

#[test]
fn no_shared_crate_depends_on_the_one_that_wires_them() {
    let packages = packages();
    for (name, package) in
        in_folder(&packages, "crates").filter(|(name, _)| *name != "hms" && *name != "hms-testkit")
    {
        assert!(!package.dependencies.contains("hms-service"), "{name} depends on hms-service");
    }
}

#[test]
fn the_test_kit_is_for_tests_only() {
    for (name, package) in packages().iter().filter(|(name, _)| *name != "hms-tests") {
        assert!(!package.dependencies.contains("hms-testkit"), "{name} needs hms-testkit to run");
    }
}

#[test]
fn the_gateway_knows_no_database() {
    let packages = packages();
    let mut reached = BTreeSet::new();
    let mut next = vec!["hms-gateway".to_owned()];
    while let Some(name) = next.pop() {
        let Some(package) = packages.get(&name) else { continue };
        for dependency in &package.dependencies {
            if reached.insert(dependency.clone()) {
                next.push(dependency.clone());
            }
        }
    }
    for forbidden in ["hms-db", "hms-bus", "hms-service", "diesel"] {
        assert!(!reached.contains(forbidden), "the gateway reaches {forbidden}");
    }
}

#[test]
fn the_words_of_the_platform_pull_in_neither_server_nor_database() {
    let model = &packages()["hms-model"].dependencies;
    for forbidden in ["actix-web", "diesel", "tokio", "reqwest", "lapin"] {
        assert!(!model.contains(forbidden), "hms-model depends on {forbidden}");
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn rules_are_pure() {
    let forbidden =
        ["actix", "diesel", "tokio", "reqwest", "lapin", "hms_db", "hms_bus", "hms_service", "async fn"];
    let mut seen = 0;
    for service in SERVICES {
        let source = root().join("services").join(service.name).join("src");
        let mut files = rust_files(&source.join("domain"));
        files.push(source.join("domain.rs"));
        for file in files.iter().filter(|file| file.exists()) {
            seen += 1;
            let text = std::fs::read_to_string(file).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let wrong = forbidden.iter().find(|word| line.contains(*word));
                assert!(wrong.is_none(), "{}: {line}", file.display());
            }
        }
    }
    assert!(seen >= SERVICES.len(), "every service has its rules in domain/");
}

#[test]
fn all_sql_stands_in_the_store() {
    for service in SERVICES {
        let source = root().join("services").join(service.name).join("src");
        for file in rust_files(&source) {
            let relative = file.strip_prefix(&source).unwrap().display().to_string();
            let store = relative.starts_with("store") || relative == "schema.rs" || relative == "lib.rs";
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(store || !text.contains("diesel::"), "{} speaks to the database", file.display());
        }
    }
}
