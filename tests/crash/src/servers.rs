//! A PostgreSQL and a RabbitMQ of our own, to be stopped and killed: the development services in another folder, on
//! other ports. One run at a time has them; what an earlier one left behind is taken away first.

use std::fs::{File, create_dir_all};
use std::path::PathBuf;
use std::process::Command;

use hms_db::DatabaseUrl;
use hms_tests::{Ports, programs, repository};

/// The server's ports within a block of [`Ports`], beside those of the services.
const POSTGRES: u16 = 8_090;
const AMQP: u16 = 8_091;
const DISTRIBUTION: u16 = 8_092;
const PORT_MAPPER: u16 = 8_093;

/// The two servers; gone when this is dropped.
pub struct Servers {
    folder: PathBuf,
    offset: u16,
    _only_one: File,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// PostgreSQL.
    Postgres,
    /// RabbitMQ.
    Rabbitmq,
}

/// The folder of all runs: `crash` beside the folder of the programs.
pub fn folder() -> PathBuf {
    let folder = programs().parent().unwrap().join("crash");
    create_dir_all(&folder).unwrap();
    folder
}

impl Servers {
    /// Ours alone, and not started yet. Waits for another run to end.
    pub async fn reserve(ports: &Ports) -> Self {
        let offset = ports.offset;
        tokio::task::spawn_blocking(move || {
            let lock = File::options().create(true).append(true).open(folder().join("lock")).unwrap();
            lock.lock().unwrap();
            let servers = Self { folder: folder().join("servers"), offset, _only_one: lock };
            servers.run(&["destroy"]);
            servers
        })
        .await
        .unwrap()
    }

    /// Starts what does not run; returns when both answer.
    pub async fn up(&self) {
        self.call(&["up"]).await;
    }

    /// Stops one of them well.
    pub async fn down(&self, server: Server) {
        self.call(&["down", server.name()]).await;
    }

    /// Ends PostgreSQL as a crash would.
    pub async fn crash_postgres(&self) {
        self.call(&["crash", "postgres"]).await;
    }

    /// The database of a service.
    pub fn database(&self, service: &str) -> DatabaseUrl {
        let url = format!("postgres://hms:hms@127.0.0.1:{}/{service}_db", POSTGRES + self.offset);
        url.parse().unwrap()
    }

    /// Where the broker is.
    pub fn amqp_url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", AMQP + self.offset)
    }

    async fn call(&self, arguments: &[&str]) {
        let mut command = self.command(arguments);
        let run = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = run.await.unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn run(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(repository().join("deploy/dev/services.sh"));
        command.args(arguments).env("HMS_INFRA_DIR", &self.folder);
        let ports = [
            ("HMS_PG_PORT", POSTGRES),
            ("HMS_AMQP_PORT", AMQP),
            ("HMS_AMQP_DIST_PORT", DISTRIBUTION),
            ("HMS_EPMD_PORT", PORT_MAPPER),
        ];
        command.envs(ports.map(|(name, port)| (name, (port + self.offset).to_string())));
        command
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let outcome = self.command(&["destroy"]).output();
        if !outcome.is_ok_and(|output| output.status.success()) {
            println!("the servers are left in {}", self.folder.display());
        }
    }
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Rabbitmq => "rabbitmq",
        }
    }
}
