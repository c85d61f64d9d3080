//! Rules, alerts and dashboards, with a Prometheus that looks at a running platform.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use hms_model::service::SERVICES;
use hms_tests::{Folder, Kind, PATIENCE, Platform, Prometheus, records, repository, until};
use serde_json::Value;

use crate::{check, lines_after, succeeds};

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

/// Every query of rules and dashboards gives an answer on a platform that has been used, by metrics that there are; and
/// an audit that somebody has changed wakes somebody.
#[tokio::test]
async fn dashboards_and_alerts_work_on_a_running_platform() {
    let mut platform = platform_that_tells_all();
    platform.launch().await;
    let prometheus = Prometheus::start(&platform, &repository().join("deploy/prometheus/rules.yml")).await;
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
