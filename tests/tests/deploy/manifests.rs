//! Manifests, compose files and the table of routes.

use std::fs;
use std::process::Command;

use hms_model::service::SERVICES;
use hms_tests::{Folder, repository};

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

/// File, what stands in it, what is put there, and what is said about it.
const BROKEN: [(&str, &str, &str, &str); 13] = [
    ("appointment/secret.example.yaml", "  AMQP_URL", "  AMQP_URI", "AMQP_URI of its secret is no setting"),
    ("base/service/deployment.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "another user than root"),
    (
        "base/service/deployment.yaml",
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
        "read-only root",
    ),
    ("base/service/deployment.yaml", "drop: [ALL]", "drop: []", "drop all capabilities"),
    ("base/service/deployment.yaml", "limits: { memory: 256Mi }", "limits: {}", "a limit of memory"),
    ("base/service/deployment.yaml", "path: /health/ready", "path: /readyz", "readiness probe asks /readyz"),
    (
        "base/service/deployment.yaml",
        "terminationGracePeriodSeconds: 40",
        "terminationGracePeriodSeconds: 20",
        "killed before",
    ),
    ("base/service/deployment.yaml", "minReadySeconds: 5", "minReadySecond: 5", "minReadySecond"),
    ("base/service/kustomization.yaml", "HMS_BIND", "HMS_BIN", "HMS_BIN is no setting"),
    ("base/service/kustomization.yaml", "  - disruption.yaml\n", "", "needs one PodDisruptionBudget"),
    (
        "base/service/network.yaml",
        "[hms-gateway]",
        "[hms-gatewy]",
        "hms-gateway cannot reach hms-appointment",
    ),
    ("base/service/network.yaml", "[hms-auth]", "[hms-user]", "hms-appointment cannot reach hms-auth"),
    ("appointment/kustomization.yaml", "value: 8002", "value: 8003", "its port is 8002"),
];

#[test]
fn a_broken_manifest_is_refused() {
    std::thread::scope(|scope| {
        for cases in BROKEN.chunks(BROKEN.len() / 2) {
            scope.spawn(|| cases.iter().for_each(refused));
        }
    });
}

fn refused((file, from, to, expected): &(&str, &str, &str, &str)) {
    let folder = Folder::new();
    let k8s = folder.path().join("k8s");
    succeeds(Command::new("cp").arg("-r").arg(repository().join("k8s")).arg(&k8s));
    let text = fs::read_to_string(k8s.join(file)).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(k8s.join(file), text.replace(from, to)).unwrap();
    let output = check().args(["k8s", "--only", "appointment"]).arg(&k8s).output().unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && complained.contains(expected), "{to:?} in {file}: {complained}");
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
