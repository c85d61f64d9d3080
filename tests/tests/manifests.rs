//! Each rule for the manifests refuses what it is there for.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use std::fs;
use std::process::Command;

use hms_tests::repository;

/// At least so many ways to break a manifest are tried; `refused.py` says for itself when a rule has none.
const WAYS: usize = 75;

#[test]
fn a_manifest_broken_in_any_way_is_refused() {
    let output = Command::new(repository().join("tests/deploy/check.sh")).arg("refused").output().unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    let tried: usize = said.split(' ').next().unwrap().parse().unwrap();
    assert!(tried >= WAYS, "{said}");
}

/// One `docker compose up` brings all that the platform uses.
#[test]
fn compose_brings_every_server() {
    let compose = fs::read_to_string(repository().join("deploy/compose/compose.yaml")).unwrap();
    for server in ["postgresql", "rabbitmq", "redis", "mosquitto", "prometheus", "grafana"] {
        assert!(compose.contains(&format!("\n  {server}:\n")), "{server}");
    }
}
