//! The whole platform on a node.

use std::collections::BTreeMap;
use std::fs::{File, create_dir_all};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use futures_util::future::join_all;
use hms_crash::client::Client;
use hms_crash::drain::{Drain, Queues};
use hms_crash::facts::Databases;
use hms_db::DatabaseUrl;
use hms_model::service::{GATEWAY_PORT, SERVICES};
use hms_tests::{ADMIN_PASSWORD, programs, repository};
use serde_json::Value;

use crate::manifests::{Manifests, Workload};
use crate::node::{self, Endpoints};
use crate::pod::Pod;
use crate::servers::Servers;

/// Where clients are: no pod, and nobody that a policy names.
pub const OUTSIDE: &str = "outside";
/// The workload that clients reach.
const GATEWAY: &str = "hms-gateway";
/// The first part of all names in the broker: what a service takes by itself.
const PREFIX: &str = "hms";

/// Addresses as clusters have them: 10.244.0.0/16 for pods, 10.96.0.0/12 for Services.
const fn pod_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 244, 0, number)
}

/// The platform; it ends with the node.
pub struct Cluster {
    /// The policies that are in force; [`Cluster::apply`] makes a change be so.
    pub policies: Vec<Value>,
    /// Where its logs are.
    pub folder: PathBuf,
    pods: Vec<Pod>,
    workloads: BTreeMap<String, Workload>,
    services: BTreeMap<String, Ipv4Addr>,
    servers: Servers,
    next: u8,
    _only_one: File,
}

impl Cluster {
    /// All workloads of the overlay `dev`, with so many replicas and a few settings of the test's own, ready.
    pub async fn start(replicas: usize, settings: &[(&str, &str)]) -> Self {
        let (folder, lock) = reserve();
        let manifests = Manifests::of_overlay("dev");
        let servers = Servers::start(&manifests, &folder, [pod_address(2), pod_address(3)]).await;
        let workloads: BTreeMap<String, Workload> = manifests
            .workloads()
            .into_iter()
            .map(|workload| (workload.name.clone(), with_settings(workload, settings)))
            .collect();
        let services =
            workloads.keys().zip(10..).map(|(name, last)| (name.clone(), Ipv4Addr::new(10, 96, 0, last)));
        let mut cluster = Self {
            policies: manifests.policies(),
            folder,
            pods: Vec::new(),
            services: services.collect(),
            workloads,
            servers,
            next: 10,
            _only_one: lock,
        };
        for workload in cluster.workloads.values() {
            cluster.make_root(workload);
        }
        node::wire(OUTSIDE, Ipv4Addr::new(10, 0, 0, 2));
        cluster.start_all(replicas).await;
        cluster
    }

    /// Replicas of all workloads at once, as `kubectl apply` would.
    async fn start_all(&mut self, replicas: usize) {
        let names: Vec<String> = self.workloads.keys().cloned().collect();
        for name in names.iter().flat_map(|name| std::iter::repeat_n(name, replicas)) {
            let pod = self.create(name);
            self.pods.push(pod);
        }
        self.apply();
        join_all(self.pods.iter_mut().map(Pod::boot)).await;
        self.apply();
    }

    /// Puts the policies and what is ready in force.
    pub fn apply(&self) {
        let servers = [&self.servers.postgres, &self.servers.rabbitmq];
        let peers: Vec<_> = self.pods.iter().map(Pod::peer).chain(servers.map(Clone::clone)).collect();
        let services: Vec<_> = self
            .services
            .iter()
            .map(|(name, address)| {
                let of_it = self.pods.iter().filter(|pod| &pod.workload.name == name);
                Endpoints {
                    address: *address,
                    port: self.workloads[name].ports["http"],
                    pods: of_it.filter(|pod| pod.ready).map(|pod| pod.address).collect(),
                }
            })
            .collect();
        node::forward(&self.policies, &peers, &services);
    }

    /// Replaces each replica of a workload by a new one: the new one is ready before the old one is told to go.
    pub async fn roll_out(&mut self, workload: &str) {
        let old: Vec<String> = self.of(workload).map(|pod| pod.name.clone()).collect();
        assert!(!old.is_empty(), "there is no {workload}");
        for name in old {
            let mut new = self.create(workload);
            self.pods.push(new);
            self.apply();
            new = self.pods.pop().unwrap();
            new.boot().await;
            self.pods.push(new);
            self.apply();
            let at = self.pods.iter().position(|pod| pod.name == name).unwrap();
            self.pods[at].terminate();
            self.apply();
            self.pods.swap_remove(at).end().await;
            self.apply();
        }
    }

    /// Ends the replicas of a workload and starts as many anew: what is connected to
    /// them is so no more.
    pub async fn replace(&mut self, workload: &str) {
        let all = std::mem::take(&mut self.pods).into_iter();
        let (old, kept): (Vec<Pod>, Vec<Pod>) = all.partition(|pod| pod.workload.name == workload);
        self.pods = kept;
        let count = old.len();
        old.into_iter().for_each(Pod::kill);
        for _ in 0..count {
            let pod = self.create(workload);
            self.pods.push(pod);
        }
        self.apply();
        let new = self.pods.iter_mut().filter(|pod| pod.workload.name == workload);
        join_all(new.map(Pod::boot)).await;
        self.apply();
    }

    /// The replicas of a workload.
    pub fn of(&self, workload: &str) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(move |pod| pod.workload.name == workload)
    }

    /// The names of all workloads: the services by their names, and the gateway.
    pub fn workloads(&self) -> Vec<String> {
        self.workloads.keys().cloned().collect()
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        format!("http://{}:{GATEWAY_PORT}", self.services[GATEWAY])
    }

    /// The folder in which the notification service leaves its mails.
    pub fn mails(&self) -> PathBuf {
        self.root("hms-notification").join("data")
    }

    /// The database of a service.
    pub fn database(&self, service: &str) -> DatabaseUrl {
        self.servers.database(&format!("{service}_db"))
    }

    /// The databases of all services.
    pub fn databases(&self) -> Databases {
        Databases::new(SERVICES.iter().map(|service| (service.name, self.database(service.name))))
    }

    /// Waits until all that was committed has arrived everywhere.
    pub async fn drain(&self, databases: &Databases) {
        let services = self.pods.iter().filter(|pod| pod.workload.name != GATEWAY);
        let queues = Queues { url: self.servers.amqp_url(), prefix: PREFIX };
        let services: Vec<Client> = services.map(Pod::client).collect();
        Drain { databases, services, queues: Some(queues) }.wait().await;
    }

    /// Which of all programs and servers can connect to which, tried: `hms-user -> postgresql`.
    pub fn reaches(&self) -> Vec<String> {
        let mut targets: BTreeMap<&str, std::net::SocketAddr> = BTreeMap::new();
        for pod in &self.pods {
            targets.entry(&pod.workload.name).or_insert_with(|| pod.socket());
        }
        for (name, server) in [("postgresql", &self.servers.postgres), ("rabbitmq", &self.servers.rabbitmq)] {
            targets.insert(name, (server.address, *server.ports.values().next().unwrap()).into());
        }
        let mut sources: BTreeMap<&str, &str> = BTreeMap::new();
        for pod in &self.pods {
            sources.entry(&pod.workload.name).or_insert(&pod.name);
        }
        sources.extend([("postgresql", "postgres"), ("rabbitmq", "rabbitmq"), (OUTSIDE, OUTSIDE)]);
        let pairs = sources.iter().flat_map(|source| targets.iter().map(move |target| (source, target)));
        pairs
            .filter(|((source, namespace), (target, at))| source != target && node::reaches(namespace, **at))
            .map(|((source, _), (target, _))| format!("{source} -> {target}"))
            .collect()
    }

    fn create(&mut self, workload: &str) -> Pod {
        let number = self.next;
        self.next = number.checked_add(1).expect("no more than 245 pods in one run");
        let (name, address) = (format!("p{number}"), pod_address(number));
        Pod::new(name, address, self.workloads[workload].clone(), self.root(workload), &self.folder)
    }

    fn root(&self, workload: &str) -> PathBuf {
        self.folder.join("roots").join(workload)
    }

    /// The root of an image, the files that volumes bring, and the names that a resolver would know.
    fn make_root(&self, workload: &Workload) {
        let root = self.root(&workload.name);
        let binary = programs().join(&workload.name);
        assert!(binary.is_file(), "{} is missing: cargo build --workspace --bins", binary.display());
        let mut assemble = Command::new(repository().join("deploy/image/rootfs.sh"));
        let status = assemble.arg("assemble").arg(binary).arg(&root).status().unwrap();
        assert!(status.success(), "the root of {} cannot be made", workload.name);
        for (place, content) in &workload.files {
            write(&root.join(place.trim_start_matches('/')), content);
        }
        let servers = [("postgresql", &self.servers.postgres), ("rabbitmq", &self.servers.rabbitmq)];
        let names = self.services.iter().map(|(name, address)| format!("{address} {name}\n"));
        let servers = servers.iter().map(|(name, server)| format!("{} {name}\n", server.address));
        let hosts: String =
            ["127.0.0.1 localhost\n".to_owned()].into_iter().chain(names).chain(servers).collect();
        write(&root.join("etc/hosts"), &hosts);
    }
}

/// The folder of all runs, emptied, and the lock by which one run at a time has it.
fn reserve() -> (PathBuf, File) {
    let folder = programs().parent().unwrap().join("cluster");
    create_dir_all(&folder).unwrap();
    let lock = File::options().create(true).append(true).open(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let run = folder.join("run");
    let _nothing_there = std::fs::remove_dir_all(&run);
    create_dir_all(&run).unwrap();
    (run, lock)
}

fn with_settings(mut workload: Workload, settings: &[(&str, &str)]) -> Workload {
    let own = [
        ("HMS_ADMIN_PASSWORD", ADMIN_PASSWORD),
        // One client asks for more than many people would, and signs in once.
        ("HMS_RATE_LIMITS", "off"),
        ("LOG_LEVEL", "INFO"),
    ];
    let all = own.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    workload.settings.extend(all);
    workload
}

fn write(file: &Path, content: &str) {
    create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, content).unwrap();
}
