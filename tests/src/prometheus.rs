//! A Prometheus that looks at a running platform.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use hms_model::service::SERVICES;
use hms_testkit::{Client, Folder};
use serde_json::Value;

use crate::{PATIENCE, Platform, Process, repository, until};

/// A Prometheus with a platform to look at; it ends with this value.
pub struct Prometheus {
    client: Client,
    _process: Process,
    _folder: Folder,
}

impl Prometheus {
    /// One that asks every service of a platform each second, with the rules of a file.
    pub async fn start(platform: &Platform, rules: &Path) -> Self {
        let folder = Folder::new();
        let services = SERVICES.iter().map(|service| (service.name, platform.port(service.name)));
        let targets: String = services
            .chain([("gateway", platform.ports().gateway())])
            .map(|(name, port)| {
                format!("      - targets: ['127.0.0.1:{port}']\n        labels: {{ service: {name} }}\n")
            })
            .collect();
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: ['{}']\n\
             scrape_configs:\n  - job_name: hms\n    static_configs:\n{targets}",
            rules.display()
        );
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(repository().join("tests/deploy/check.sh"));
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
    pub async fn until_some(&self, query: &str) {
        until(&format!("a result of {query}"), PATIENCE, async || {
            let result = self.result(query).await?;
            (!result.is_empty()).then_some(())
        })
        .await;
    }

    /// The result of a query now; none while it is not ready.
    pub async fn result(&self, query: &str) -> Option<Vec<Value>> {
        let path = format!("/api/v1/query?query={}", encoded(query));
        let answer = self.client.try_request("GET", &path, &[], None).await.ok()?;
        if answer.status == 503 {
            return None;
        }
        Some(answer.expect(200).body["data"]["result"].as_array().unwrap().clone())
    }

    /// The names of all metrics that it knows.
    pub async fn names(&self) -> BTreeSet<String> {
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
