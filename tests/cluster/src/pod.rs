//! A pod: a program in the root of its image, in a network namespace of its own, with its settings and nothing else.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use hms_crash::client::Client;
use hms_settings::Settings;
use hms_tests::{PATIENCE, Process, repository, run, until};

use crate::manifests::Workload;
use crate::node;
use crate::policies::Peer;

/// One of the replicas of a workload.
pub struct Pod {
    /// The name of its namespace.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// What it runs.
    pub workload: Workload,
    /// Whether it takes requests.
    pub ready: bool,
    process: Option<Process>,
    root: PathBuf,
    folder: PathBuf,
}

impl Pod {
    /// One that is wired and does not run yet.
    pub fn new(name: String, address: Ipv4Addr, workload: Workload, root: PathBuf, logs: &Path) -> Self {
        let folder = logs.join(format!("{}-{name}", workload.name));
        std::fs::create_dir_all(&folder).unwrap();
        node::wire(&name, address);
        Self { name, address, workload, ready: false, process: None, root, folder }
    }

    /// The init container, then the program; returns when it says that it is ready, as a kubelet asks it.
    pub async fn boot(&mut self) {
        if self.workload.migrates {
            run(self.command(&["migrate"])).await.expect(0);
        }
        self.process = Some(Process::start(self.command(&[]), &self.folder));
        let client = self.client();
        until(&format!("{} to be ready", self.workload.name), PATIENCE, async || {
            self.is_ready(&client).await
        })
        .await;
        self.ready = true;
    }

    async fn is_ready(&mut self, client: &Client) -> Option<()> {
        let process = self.process.as_mut().expect("it was started");
        if let Some(status) = process.ended() {
            panic!("{} ended by itself ({status}): {}", self.workload.name, process.stderr());
        }
        let answer = client.get(&self.workload.readiness).await.ok()?;
        (answer.status == 200).then_some(())
    }

    /// SIGTERM. Nobody is sent there any more, but who is connected goes on.
    pub fn terminate(&mut self) {
        self.ready = false;
        self.process.as_ref().expect("it was started").signal("TERM");
    }

    /// Waits for its end, which must be a good one, and before it would be killed.
    pub async fn end(mut self) {
        let begun = Instant::now();
        let mut process = self.process.take().expect("it was started");
        let status = process.end().await;
        assert!(status.success(), "{} ended with {status}: {}", self.workload.name, process.stderr());
        let took = begun.elapsed();
        assert!(took < self.workload.grace, "{} took {took:?} to end", self.workload.name);
        node::unwire(&self.name);
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
        node::unwire(&self.name);
    }

    /// A client of it as the node is one: no policy is in its way.
    pub fn client(&self) -> Client {
        Client::new(format!("http://{}", self.socket()))
    }

    /// Where it listens.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::from((self.address, self.workload.ports["http"]))
    }

    /// How policies see it.
    pub fn peer(&self) -> Peer {
        let (labels, ports) = (self.workload.labels.clone(), self.workload.ports.clone());
        Peer { address: self.address, labels, ports }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = node::within(&self.name);
        command.arg(repository().join("deploy/image/rootfs.sh")).arg("run").arg(&self.root).args(arguments);
        command.env_clear().envs(&self.workload.settings);
        command.env("PATH", Settings::from_environment().get("PATH").unwrap_or_default());
        command
    }
}

/// The labels that a server has, and the port at which it is reached.
pub fn server(address: Ipv4Addr, labels: BTreeMap<String, String>, port: (&str, u16)) -> Peer {
    Peer { address, labels, ports: BTreeMap::from([(port.0.to_owned(), port.1)]) }
}
