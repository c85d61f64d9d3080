//! The platform as it is deployed: each service and the gateway a process, PostgreSQL and RabbitMQ beside them.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fastrand::Rng;
use hms_model::service::SERVICES;
use hms_tests::{ADMIN_EMAIL, ADMIN_PASSWORD, Ports, until};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::Client;
use crate::config::Config;
use crate::drain::{Drain, Queues};
use crate::facts::Databases;
use crate::faults::{Fault, GATEWAY, program};
use crate::history::{History, Recorder};
use crate::load::Load;
use crate::programs::Program;
use crate::report::Report;
use crate::servers::{Server, Servers, folder};

/// The first part of all names in the broker.
const PREFIX: &str = "crash";
/// How long a start or a recovery may take, in seconds.
const PATIENCE: u64 = 120;
/// How long until something passes a fail point.
const PASSING: Duration = Duration::from_secs(60);
/// The longest wait before a fault, in milliseconds.
const MOMENT: u64 = 1_500;

/// A platform of processes.
pub struct Platform {
    /// The processes, by the names of their programs.
    pub programs: BTreeMap<String, Program>,
    /// Its ports.
    pub ports: Ports,
    /// Its servers.
    pub servers: Servers,
    /// Where its logs and data are.
    pub folder: PathBuf,
}

impl Platform {
    /// The servers alone, not started yet; the processes come with [`Platform::launch`].
    pub async fn prepare(name: &str) -> Self {
        let ports = Ports::reserve();
        let servers = Servers::reserve(&ports).await;
        let folder = folder().join(name);
        let _nothing_there = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self { programs: BTreeMap::new(), ports, servers, folder }
    }

    /// Starts the processes; does not wait for them.
    pub fn launch(&mut self) {
        let services = SERVICES.iter().map(|service| program(service.name));
        for name in services.chain([GATEWAY.to_owned()]) {
            let running = Program::start(&name, self.settings(), &self.folder);
            self.programs.insert(name, running);
        }
    }

    fn settings(&self) -> HashMap<String, String> {
        let mut settings: HashMap<String, String> = SERVICES
            .iter()
            .map(|service| {
                let name = format!("{}_DATABASE_URL", service.name.to_uppercase());
                (name, self.servers.database(service.name).expose())
            })
            .collect();
        let others = [
            ("HMS_DATA_DIR", self.folder.display().to_string()),
            ("HMS_PORT_OFFSET", self.ports.offset.to_string()),
            ("HMS_ADMIN_PASSWORD", ADMIN_PASSWORD.to_owned()),
            ("HMS_BUS_PREFIX", PREFIX.to_owned()),
            // One client asks for more than many people would.
            ("HMS_RATE_LIMITS", "off".to_owned()),
            ("AMQP_URL", self.servers.amqp_url()),
            // Clients sign in once; the tokens are not what is tested here.
            ("TOKEN_EXPIRY", "24h".to_owned()),
        ];
        settings.extend(others.map(|(name, value)| (name.to_owned(), value)));
        settings
    }

    /// A client of the gateway.
    pub fn gateway(&self) -> Client {
        Client::new(format!("http://127.0.0.1:{}", self.ports.gateway()))
    }

    /// A client of a service at its own port.
    pub fn service(&self, name: &str) -> Client {
        Client::new(format!("http://127.0.0.1:{}", self.ports.of(name)))
    }

    /// Waits until every service says that it and all it depends on is well, and the gateway answers.
    pub async fn recovered(&self) {
        for service in SERVICES {
            let client = self.service(service.name);
            until(&format!("{} to be well", service.name), PATIENCE, async || {
                let health = client.get("/health/detailed").await.ok()?;
                (health.body["status"] == "healthy").then_some(())
            })
            .await;
        }
        let gateway = self.gateway();
        until("the gateway", PATIENCE, async || {
            gateway.get("/health").await.ok().filter(|answer| answer.status == 200)
        })
        .await;
    }

    /// The first admin's client of the gateway.
    pub async fn admin(&self) -> Client {
        let gateway = self.gateway();
        until("the admin's sign-in", PATIENCE, async || gateway.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD).await)
            .await
    }

    /// The databases of the services.
    pub fn databases(&self) -> Databases {
        Databases::new(SERVICES.iter().map(|service| (service.name, self.servers.database(service.name))))
    }

    /// The queues of the services.
    pub fn queues(&self) -> Queues {
        Queues { url: self.servers.amqp_url(), prefix: PREFIX }
    }

    /// Everything in turn, until there are enough writes.
    async fn suffer(&mut self, load: &Load, config: &Config) {
        let mut rng = Rng::with_seed(config.seed);
        loop {
            for fault in Fault::all(&mut rng) {
                load.round(&fault.to_string());
                sleep(Duration::from_millis(rng.u64(0..MOMENT))).await;
                self.inject(&fault, config).await;
                self.recovered().await;
            }
            if load.acknowledged() >= config.writes {
                return;
            }
        }
    }

    /// Ends the processes, all at once: each serves on for some seconds. Says which had ended by themselves before, and
    /// which ended badly now.
    async fn stop(&mut self) -> (Vec<String>, Vec<String>) {
        let (mut by_themselves, mut badly) = (Vec::new(), Vec::new());
        let mut ending = JoinSet::new();
        for (name, program) in std::mem::take(&mut self.programs) {
            let ends = program.seen().by_itself;
            if !ends.is_empty() {
                by_themselves.push(format!("{name} ended by itself and was started again: {ends:?}"));
            }
            ending.spawn(async move { (name, program.stop().await) });
        }
        for (name, status) in ending.join_all().await {
            if !status.success() {
                badly.push(format!("{name} ended upon SIGTERM with {status}"));
            }
        }
        (by_themselves, badly)
    }

    /// What did not arrive, once nobody takes it any more.
    async fn left(&self, databases: &Databases) -> Vec<String> {
        let queues = self.queues();
        let waiting = databases.waiting().await + i64::from(queues.count(&["", ".retry"]).await);
        let dead = databases.dead_letters().await + i64::from(queues.count(&[".dead"]).await);
        let told = [(waiting, "are still in outboxes and queues"), (dead, "are dead letters")];
        told.iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} events {what}"))
            .collect()
    }

    /// Does it; returns when it is over, though perhaps not recovered from.
    async fn inject(&mut self, fault: &Fault, config: &Config) {
        match fault {
            Fault::Kill(program) => self.programs.get_mut(program).unwrap().kill().await,
            Fault::DieAt(program, point) => {
                self.programs.get_mut(program).unwrap().die_at(point, PASSING).await
            }
            Fault::BrokerAway => {
                self.servers.down(Server::Rabbitmq).await;
                sleep(config.broker_away).await;
                self.servers.up().await;
            }
            Fault::RestartDatabase => {
                self.servers.down(Server::Postgres).await;
                self.servers.up().await;
            }
            Fault::CrashDatabase => {
                self.servers.crash_postgres().await;
                self.servers.up().await;
            }
        }
    }
}

/// Loads the platform and does everything to it, in turn, until there are enough writes; then compares.
pub async fn run(config: &Config) -> Report {
    let mut platform = Platform::prepare("production").await;
    platform.servers.up().await;
    platform.launch();
    platform.recovered().await;
    let file = platform.folder.join("history.jsonl");
    let begun = Instant::now();
    let load =
        Load::start(platform.admin().await, Recorder::create(file.clone()), config.seed, config.writers)
            .await;
    platform.suffer(&load, config).await;
    load.stop().await;
    let took = begun.elapsed();
    let databases = platform.databases();
    let services = SERVICES.iter().map(|service| platform.service(service.name)).collect();
    let drain = Drain { databases: &databases, services, queues: Some(platform.queues()) };
    let drained = drain.wait().await;
    let (by_themselves, badly) = platform.stop().await;
    let mut report = Report::of(&History::read(&file), &databases.facts().await);
    report
        .notes
        .push(format!("wrote for {took:.1?}; at rest {drained:.1?} later; the list: {}", file.display()));
    report.notes.extend(by_themselves);
    report.faults.extend(badly);
    report.faults.extend(platform.left(&databases).await);
    report.faults.extend(databases.broken_chain().await);
    report
}
