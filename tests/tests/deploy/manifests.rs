//! Manifests, compose files and the table of routes.

use std::fs;
use std::process::Command;

use hms_model::service::SERVICES;
use hms_tests::repository;

use crate::{check, program, succeeds};

#[test]
fn what_follows_from_the_list_of_services_is_up_to_date() {
    succeeds(Command::new(repository().join("deploy/generate.py")).arg("--check"));
}

#[test]
fn manifests_are_right() {
    let said = succeeds(check().arg("k8s"));
    assert!(said.contains(&format!("{} services and the gateway", SERVICES.len())), "{said}");
}

#[test]
fn compose_files_are_right() {
    succeeds(check().arg("compose"));
    let folder = repository().join("deploy/compose");
    let services = fs::read_to_string(folder.join("services.yaml")).unwrap();
    for service in SERVICES {
        assert!(services.contains(&format!("expose: [\"{}\"]", service.port)), "{}", service.name);
    }
    // What must be given is named in the example.
    let example = fs::read_to_string(folder.join(".env.example")).unwrap();
    let files = services + &fs::read_to_string(folder.join("compose.yaml")).unwrap();
    for needed in files.match_indices(":?").map(|(at, _)| files[..at].rsplit("${").next().unwrap()) {
        assert!(example.contains(&format!("{needed}=")), "{needed}");
    }
}

#[test]
fn the_gateway_takes_the_table_of_routes() {
    let said = succeeds(
        Command::new(program("hms-gateway"))
            .args(["routes", "check"])
            .arg(repository().join("k8s/gateway/routes.toml")),
    );
    assert!(said.contains(&format!("{} upstreams", SERVICES.len())), "{said}");
}
