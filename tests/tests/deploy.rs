//! What platforms are deployed with is right: manifests, images, compose, rules, dashboards. The programs that look at it
//! are those that people use: kubectl's kustomize, promtool, Prometheus.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hms_model::service::{GATEWAY_PORT, SERVICES};
use hms_tests::{
    Client, Folder, Kind, PATIENCE, Platform, Ports, Process, programs, records, repository, until,
};
use serde_json::Value;

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

#[test]
fn rules_do_what_their_tests_say() {
    let folder = repository().join("deploy/prometheus");
    succeeds(check().args(["promtool", "check", "config"]).arg(folder.join("prometheus.yml")));
    // Debian builds Prometheus without the discovery of Kubernetes: the rest of that file is checked without it.
    let kubernetes = fs::read_to_string(folder.join("kubernetes.yml")).unwrap();
    let (before, rest) = kubernetes.split_once("    kubernetes_sd_configs:\n").unwrap();
    let after = rest.split_once("    relabel_configs:\n").unwrap().1;
    let elsewhere = Folder::new();
    let reduced = elsewhere.path().join("kubernetes.yml");
    fs::write(&reduced, format!("{before}    relabel_configs:\n{after}")).unwrap();
    fs::copy(folder.join("rules.yml"), elsewhere.path().join("rules.yml")).unwrap();
    succeeds(check().args(["promtool", "check", "config"]).arg(&reduced));
    let tests = ["alerts.yml", "slo.yml"].map(|file| folder.join("tests").join(file));
    succeeds(check().args(["promtool", "test", "rules"]).args(&tests));

    let tested: String = tests.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let runbook = fs::read_to_string(repository().join("docs/runbook.md")).unwrap();
    let rules = fs::read_to_string(folder.join("rules.yml")).unwrap();
    for alert in lines_after(&rules, "- alert: ") {
        assert!(tested.contains(&format!("alertname: {alert}")), "{alert} has no test");
        assert!(runbook.contains(&format!("### {alert}\n")), "docs/runbook.md says nothing about {alert}");
        assert!(rules.contains(&format!("runbook.md#{}\n", alert.to_lowercase())), "{alert} has no runbook");
    }
}

// --- a Prometheus that looks at a running platform ------------------------------------------------------------

/// Every query of rules and dashboards gives an answer on a platform that has been used, by metrics that there are; and
/// an audit that somebody has changed wakes somebody.
#[tokio::test]
async fn dashboards_and_alerts_work_on_a_running_platform() {
    let mut platform = platform_that_tells_all();
    platform.launch().await;
    let prometheus = Prometheus::start(&platform).await;
    use_it(&platform).await;
    prometheus.until_some("rate(hms_gateway_rate_limited_total[5m])").await;
    prometheus.until_some("hms_bus_deliveries_total{service=\"audit\"} > 0").await;

    platform.stop().await;
    change_an_entry(&platform.data().join("audit_db.sqlite3"));
    platform.launch().await;
    prometheus.until_some("ALERTS{alertname=\"HmsAuditChainBroken\",alertstate=\"firing\"}").await;
    prometheus.until_some("sum(up{job=\"hms\"}) == count(up{job=\"hms\"})").await;

    let there = prometheus.names().await;
    let mut queries: BTreeSet<String> = dashboards().iter().flat_map(panel_queries).collect();
    let shown = queries.clone();
    let rules = fs::read_to_string(repository().join("deploy/prometheus/rules.yml")).unwrap();
    queries.extend(lines_after(&rules, "expr: ").map(str::to_owned));
    assert!(queries.len() > 60, "{}", queries.len());
    for query in queries {
        for name in metrics_of(&query) {
            assert!(there.contains(name), "no service has the metric {name} of {query}");
        }
        if shown.contains(&query) {
            prometheus.until_some(&query).await;
        }
    }
}

/// With TLS, with a Redis that is away, and with a limit that is soon met, so that all metrics are there. It has the
/// certificates of this machine, as an image has them.
fn platform_that_tells_all() -> Platform {
    let platform = Platform::prepare(Kind::Embedded);
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = |name: &str, text: &str| {
        let file = platform.folder().join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let limits = "[[limit]]\ngroup = \"default\"\nplan = \"anonymous\"\nper_minute = 5\n";
    let (limits, certificate, key) = (
        file("limits.toml", limits),
        file("cert.pem", &certificate.cert.pem()),
        file("key.pem", &certificate.signing_key.serialize_pem()),
    );
    platform
        .with("HMS_RATE_LIMITS", "on")
        .with("HMS_LIMITS", &limits)
        .with("HMS_TLS_CERT", &certificate)
        .with("HMS_TLS_KEY", &key)
        .with("REDIS_URL", "redis://127.0.0.1:9")
        .with("LOG_FORMAT", "json")
        .with("SSL_CERT_FILE", "")
        .with("SSL_CERT_DIR", "")
}

async fn use_it(platform: &Platform) {
    let admin = platform.admin().await;
    admin.client.post("/api/v1/patients", &records::patient("Ann", "Øster")).await.expect(201);
    admin.client.get("/api/v1/patients").await.expect(200);
    let anonymous = platform.gateway();
    until("a limit that refuses", PATIENCE, async || {
        (anonymous.get("/api/v1/patients").await.status == 429).then_some(())
    })
    .await;
}

/// As an administrator of the database would who can switch its guard off.
fn change_an_entry(database: &Path) {
    let script = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        for (name,) in db.execute(\"SELECT name FROM sqlite_master WHERE type = 'trigger'\").fetchall():\n\
        \x20   db.execute(f'DROP TRIGGER {name}')\n\
        assert db.execute('UPDATE entries SET hash = prev_hash WHERE seq = 1').rowcount == 1\n\
        db.commit()\n";
    succeeds(Command::new("python3").args(["-c", script]).arg(database));
}

struct Prometheus {
    client: Client,
    _process: Process,
    _folder: Folder,
}

impl Prometheus {
    /// One that asks every service of a platform each second, with the rules as they are.
    async fn start(platform: &Platform) -> Self {
        let folder = Folder::new();
        let services = SERVICES.iter().map(|service| (service.name, platform.port(service.name)));
        let targets: String = services
            .chain([("gateway", platform.ports().gateway())])
            .map(|(name, port)| {
                format!("      - targets: ['127.0.0.1:{port}']\n        labels: {{ service: {name} }}\n")
            })
            .collect();
        let rules = repository().join("deploy/prometheus/rules.yml");
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: ['{}']\n\
             scrape_configs:\n  - job_name: hms\n    static_configs:\n{targets}",
            rules.display()
        );
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = check();
        command
            .arg("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"));
        let process = Process::start(command, folder.path());
        let client = Client::new(format!("http://{address}"), None);
        let this = Self { client, _process: process, _folder: folder };
        this.until_some("up").await;
        this
    }

    /// Waits until a query has a result; one that cannot be understood fails at once.
    async fn until_some(&self, query: &str) {
        let path = format!("/api/v1/query?query={}", encoded(query));
        until(&format!("a result of {query}"), PATIENCE, async || {
            let answer = self.client.try_request("GET", &path, &[], None).await.ok()?;
            // It is not ready yet.
            if answer.status == 503 {
                return None;
            }
            let result = answer.expect(200).body["data"]["result"].as_array().unwrap().len();
            (result > 0).then_some(())
        })
        .await;
    }

    async fn names(&self) -> BTreeSet<String> {
        let answer = self.client.get("/api/v1/label/__name__/values").await;
        let names = answer.expect(200).body["data"].as_array().unwrap();
        names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }
}

fn encoded(query: &str) -> String {
    query
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn dashboards() -> Vec<Value> {
    let folder = fs::read_dir(repository().join("deploy/grafana/dashboards")).unwrap();
    let dashboards: Vec<Value> = folder
        .map(|file| serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap())
        .collect();
    assert_eq!(
        dashboards.len(),
        SERVICES.len() + 3,
        "a dashboard is missing, or of a service that is not there"
    );
    dashboards
}

fn panel_queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The metrics of ours that a query names.
fn metrics_of(query: &str) -> impl Iterator<Item = &str> {
    const OURS: [&str; 6] = ["hms_", "hms:", "http_", "gateway_", "process_", "log_"];
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    words.filter(|word| OURS.iter().any(|ours| word.starts_with(ours)))
}

// --- images ---------------------------------------------------------------------------------------------------

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

// --- helpers --------------------------------------------------------------------------------------------------

fn check() -> Command {
    Command::new(repository().join("tests/deploy/check.sh"))
}

fn program(name: &str) -> PathBuf {
    let file = programs().join(name);
    assert!(file.is_file(), "{} is missing: run `cargo build -p {name}` first", file.display());
    file
}

/// What a command that ends well writes to its standard output.
#[track_caller]
fn succeeds(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{said}\n{complained}");
    said.into_owned()
}

/// What follows on the lines that begin so.
fn lines_after<'a>(text: &'a str, beginning: &str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.trim_start().strip_prefix(beginning))
}
