//! The image of a service, as far as it can be looked at without an engine.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hms_model::service::GATEWAY_PORT;
use hms_tests::{Client, Folder, PATIENCE, Ports, Process, repository, until};
use serde_json::Value;

use crate::{lines_after, program, succeeds};

/// The root folder of an image, made of the program as it was built here: it runs in it, as nobody, and finds nothing to
/// write to and nothing to call.
#[tokio::test]
async fn a_service_runs_in_the_root_of_its_image() {
    let rootfs = repository().join("deploy/image/rootfs.sh");
    let folder = Folder::new();
    let root = folder.path().join("root");
    succeeds(Command::new(&rootfs).arg("assemble").arg(program("hms-user")).arg(&root));
    let ports = Ports::reserve();
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&rootfs);
        command.arg("run").arg(&root).args(arguments);
        command.envs([("HMS_DATA_DIR", "/data"), ("HMS_DRAIN_SECONDS", "1"), ("HMS_BIND", "0.0.0.0")]);
        command.env("HMS_PORT_OFFSET", ports.offset.to_string());
        command
    };
    succeeds(&mut command(&["migrate"]));
    assert!(!command(&["healthcheck"]).output().unwrap().status.success(), "nobody answers yet");
    let mut process = Process::start(command(&[]), folder.path());
    let service = Client::new(format!("http://127.0.0.1:{}", ports.of("user")), None);
    until("readiness", PATIENCE, async || {
        assert!(process.ended().is_none(), "{}", process.stderr());
        let answer = service.try_request("GET", "/health/ready", &[], None).await.ok()?;
        (answer.status == 200).then_some(())
    })
    .await;
    succeeds(&mut command(&["healthcheck"]));

    let about = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", process.id())).unwrap();
    let status = about("status");
    assert!(status.contains("Uid:\t65532\t65532\t65532\t65532\n"), "{status}");
    assert!(
        status.contains("CapEff:\t0000000000000000\n") && status.contains("NoNewPrivs:\t1\n"),
        "{status}"
    );
    let mounts = about("mountinfo");
    let options =
        |place: &str| mounts.lines().find(|line| line.split(' ').nth(4) == Some(place)).unwrap().to_owned();
    assert!(options("/").split(' ').nth(5).unwrap().starts_with("ro,"), "{mounts}");
    assert!(options("/data").split(' ').nth(5).unwrap().starts_with("rw,"), "{mounts}");
    let programs = files_of(&root).into_iter().filter(|file| !file.starts_with(root.join("data")));
    let unexpected: Vec<_> = programs
        .filter(|file| {
            let name = file.file_name().unwrap().to_str().unwrap();
            !(name == "service" || name.contains(".so") || file.starts_with(root.join("etc")))
        })
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");

    // Told to stop, it says that it is no longer ready, and answers until it has gone.
    process.signal("TERM");
    until("it to be unready", PATIENCE, async || {
        let answer = service.try_request("GET", "/health/ready", &[], None).await;
        let answer = answer.expect("it answers while it is unready");
        (answer.status == 503).then_some(())
    })
    .await;
    service.get("/health").await.expect(200);
    assert!(process.end().await.success());
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_of(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn the_bill_of_materials_names_what_is_linked() {
    let script = repository().join("deploy/image/sbom.py");
    let said = succeeds(Command::new(script).arg("hms-user").current_dir(repository()));
    let document: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(document["bomFormat"], "CycloneDX");
    assert_eq!(document["metadata"]["component"]["name"], "hms-user");
    let components = document["components"].as_array().unwrap();
    let names: BTreeSet<&str> = components.iter().map(|made| made["name"].as_str().unwrap()).collect();
    for linked in ["actix-web", "diesel", "libsqlite3-sys", "hms-service"] {
        assert!(names.contains(linked), "{linked} is missing");
    }
    for not in ["proptest", "hms-testkit", "hms-user", "cc", "windows-sys"] {
        assert!(!names.contains(not), "{not} is not linked");
    }
}

#[test]
fn the_image_is_built_by_the_toolchain_of_the_repository() {
    let toolchain = fs::read_to_string(repository().join("rust-toolchain.toml")).unwrap();
    let version = lines_after(&toolchain, "channel = ").next().unwrap().trim_matches('"');
    let dockerfile = fs::read_to_string(repository().join("deploy/image/Dockerfile")).unwrap();
    assert!(dockerfile.contains(&format!("FROM rust:{version}-")), "{version}");
    let generate = fs::read_to_string(repository().join("deploy/generate.py")).unwrap();
    assert!(generate.contains(&format!("GATEWAY_PORT = {GATEWAY_PORT}")));
}
