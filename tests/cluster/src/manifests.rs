//! What `kubectl apply -k` would send to a cluster.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use data_encoding::BASE64;
use hms_tests::repository;
use serde_json::Value;

use crate::policies::Labels;

/// The documents of an overlay.
pub struct Manifests(Vec<Value>);

/// A Deployment, as far as it matters to a process.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Its name: `hms-user`.
    pub name: String,
    /// The labels of its pods.
    pub labels: Labels,
    /// The ports of its pods by their names.
    pub ports: BTreeMap<String, u16>,
    /// The settings, from config maps and secrets.
    pub settings: BTreeMap<String, String>,
    /// Files in its root: where, and what is in them.
    pub files: Vec<(String, String)>,
    /// Whether an init container makes the tables.
    pub migrates: bool,
    /// Where its readiness is asked for.
    pub readiness: String,
    /// How long it may take to end.
    pub grace: Duration,
}

impl Manifests {
    /// Those of `k8s/overlays/<name>`, built by kustomize.
    pub fn of_overlay(name: &str) -> Self {
        let folder = repository().join("k8s/overlays").join(name);
        let output = Command::new(repository().join("tests/deploy/check.sh"))
            .arg("render")
            .arg(folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// The programs of the platform.
    pub fn workloads(&self) -> Vec<Workload> {
        self.of_kind("Deployment").map(|deployment| self.workload(deployment)).collect()
    }

    /// The labels of the pods of a StatefulSet: one of the servers.
    pub fn server(&self, name: &str) -> Labels {
        labels(&self.named("StatefulSet", name)["spec"]["template"]["metadata"]["labels"])
    }

    /// The network policies.
    pub fn policies(&self) -> Vec<Value> {
        self.of_kind("NetworkPolicy").cloned().collect()
    }

    /// The statements that make the databases.
    pub fn databases(&self) -> String {
        let found = self.of_kind("ConfigMap").find_map(|config| config["data"]["databases.sql"].as_str());
        found.expect("the overlay has a PostgreSQL").to_owned()
    }

    fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |document| document["kind"] == kind)
    }

    fn named(&self, kind: &'static str, name: &str) -> &Value {
        let found = self.of_kind(kind).find(|document| document["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
    }

    fn workload(&self, deployment: &Value) -> Workload {
        let template = &deployment["spec"]["template"];
        let pod = &template["spec"];
        let container = &pod["containers"][0];
        let seconds = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
        Workload {
            name: text(&deployment["metadata"]["name"]),
            labels: labels(&template["metadata"]["labels"]),
            ports: list(&container["ports"]).map(named_port).collect(),
            settings: list(&container["envFrom"]).flat_map(|source| self.data(source)).collect(),
            files: list(&container["volumeMounts"]).flat_map(|mount| self.files(pod, mount)).collect(),
            migrates: list(&pod["initContainers"]).any(|init| init["args"][0] == "migrate"),
            readiness: text(&container["readinessProbe"]["httpGet"]["path"]),
            grace: Duration::from_secs(seconds),
        }
    }

    /// What a config map or a secret holds.
    fn data(&self, source: &Value) -> Vec<(String, String)> {
        if let Some(name) = source["configMapRef"]["name"].as_str() {
            let data = &self.named("ConfigMap", name)["data"];
            return data.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value))).collect();
        }
        let secret = self.named("Secret", source["secretRef"]["name"].as_str().unwrap());
        let data = secret["data"].as_object().unwrap();
        data.iter().map(|(key, value)| (key.clone(), decoded(value))).collect()
    }

    /// The files of a volume, where they are mounted; none of one that begins empty.
    fn files(&self, pod: &Value, mount: &Value) -> Vec<(String, String)> {
        let volume = list(&pod["volumes"]).find(|volume| volume["name"] == mount["name"]).unwrap();
        let source = if let Some(name) = volume["configMap"]["name"].as_str() {
            serde_json::json!({"configMapRef": {"name": name}})
        } else if let Some(name) = volume["secret"]["secretName"].as_str() {
            serde_json::json!({"secretRef": {"name": name}})
        } else {
            return Vec::new();
        };
        let folder = mount["mountPath"].as_str().unwrap();
        self.data(&source).into_iter().map(|(name, content)| (format!("{folder}/{name}"), content)).collect()
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn labels(value: &Value) -> Labels {
    value.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

fn named_port(port: &Value) -> (String, u16) {
    (text(&port["name"]), port["containerPort"].as_u64().unwrap().try_into().unwrap())
}

/// Kustomize breaks what is long into lines, as Kubernetes takes it.
fn decoded(value: &Value) -> String {
    let text: String = text(value).split_whitespace().collect();
    String::from_utf8(BASE64.decode(text.as_bytes()).unwrap()).unwrap()
}
