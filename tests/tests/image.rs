//! An image made without an engine: a sound OCI layout, in whose root the program runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panic"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use hms_model::service::SERVICES;
use hms_tests::{Client, Folder, PATIENCE, Ports, Process, programs, repository, until};
use serde_json::{Value, json};

#[tokio::test]
async fn the_image_that_no_engine_made_is_whole_and_runs() {
    let folder = Folder::new();
    let archive = build(&folder.path().join("one"));
    assert_eq!(digest(&archive), digest(&build(&folder.path().join("other"))), "of one program, one image");
    let layout = folder.path().join("layout");
    unpack(&archive, &layout, "xf");
    let manifest = blob(&layout, &read(&layout.join("index.json"))["manifests"][0]);
    let manifest = read(&manifest);
    let config = read(&blob(&layout, &manifest["config"]));
    let started_as = &config["config"];
    assert_eq!(
        (&started_as["User"], &started_as["Entrypoint"]),
        (&json!("65532:65532"), &json!(["/service"]))
    );
    assert_eq!(started_as["Labels"]["org.opencontainers.image.title"], "hms-user");
    let environment: Vec<&str> =
        started_as["Env"].as_array().unwrap().iter().map(|entry| entry.as_str().unwrap()).collect();
    assert!(environment.contains(&"HMS_DATA_DIR=/data"), "{environment:?}");

    let root = folder.path().join("unpacked");
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 1);
    let layer = blob(&layout, &layers[0]);
    unpack(&layer, &root, "xzf");
    assert_eq!(format!("sha256:{}", unzipped_digest(&layer)), config["rootfs"]["diff_ids"][0]);
    assert_eq!(read(&root.join("sbom.cdx.json"))["metadata"]["component"]["name"], "hms-user");
    for absent in ["bin", "usr", "lib/apt", "etc/shadow"] {
        assert!(!root.join(absent).exists(), "/{absent}");
    }
    it_runs(&root, &environment, folder.path()).await;
    println!("{} bytes packed", fs::metadata(&archive).unwrap().len());
}

/// There is no `/tmp`, and nothing but `/data` can be written to.
#[test]
fn each_service_makes_its_tables_in_such_an_image() {
    let script = repository().join("deploy/image/rootfs.sh");
    for service in SERVICES {
        let (folder, program) = (Folder::new(), programs().join(format!("hms-{}", service.name)));
        let root = folder.path().join("root");
        succeeds(Command::new(&script).arg("assemble").arg(program).arg(&root));
        let mut migrate = Command::new(&script);
        migrate.arg("run").arg(&root).arg("migrate").env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin");
        succeeds(migrate.env("HMS_DATA_DIR", "/data"));
    }
}

/// Of a program without symbols, as release builds have none.
fn build(folder: &Path) -> PathBuf {
    let built = programs().join("hms-user");
    assert!(built.is_file(), "{} is missing: run `cargo build -p hms-user` first", built.display());
    fs::create_dir(folder).unwrap();
    let binary = folder.join("hms-user");
    succeeds(Command::new("strip").arg("-o").arg(&binary).arg(built));
    let script = repository().join("deploy/image/build-root.sh");
    succeeds(
        Command::new(script)
            .arg("user")
            .arg(folder.join("image"))
            .env("BINARY", &binary)
            .current_dir(repository()),
    );
    folder.join("image/hms-user.oci.tar")
}

/// Read-only, as another user than root, with what the image itself says of its settings and nothing else.
async fn it_runs(root: &Path, environment: &[&str], folder: &Path) {
    let ports = Ports::reserve();
    let mut command = Command::new(repository().join("deploy/image/rootfs.sh"));
    command.arg("run").arg(root).env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin");
    command.envs(environment.iter().filter_map(|entry| entry.split_once('=')));
    command.env("HMS_PORT_OFFSET", ports.offset.to_string());
    let begun = Instant::now();
    let mut process = Process::start(command, folder);
    let service = Client::new(format!("http://127.0.0.1:{}", ports.of("user")), None);
    until("readiness", PATIENCE, async || {
        assert!(process.ended().is_none(), "{}", process.stderr());
        let answer = service.try_request("GET", "/health/ready", &[], None).await.ok()?;
        (answer.status == 200).then_some(())
    })
    .await;
    println!("ready after {:?}", begun.elapsed());
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    assert!(status.contains("Uid:\t65532\t65532\t65532\t65532\n"), "{status}");
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// The file that a descriptor names, which is what its digest and its size say.
fn blob(layout: &Path, descriptor: &Value) -> PathBuf {
    let named = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    let file = layout.join("blobs/sha256").join(named);
    assert_eq!(digest(&file), named);
    assert_eq!(descriptor["size"], fs::metadata(&file).unwrap().len());
    file
}

fn digest(file: &Path) -> String {
    succeeds(Command::new("sha256sum").arg(file)).split(' ').next().unwrap().to_owned()
}

fn unzipped_digest(file: &Path) -> String {
    let said = succeeds(Command::new("sh").args(["-c", "gzip -dc \"$0\" | sha256sum"]).arg(file));
    said.split(' ').next().unwrap().to_owned()
}

fn unpack(archive: &Path, folder: &Path, how: &str) {
    fs::create_dir(folder).unwrap();
    succeeds(Command::new("tar").arg(how).arg(archive).arg("-C").arg(folder).arg("--same-owner"));
}

#[track_caller]
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{complained}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
