//! PostgreSQL and RabbitMQ as pods: those of `deploy/dev/services.sh`, each in a network namespace of its own.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hms_db::DatabaseUrl;
use hms_tests::repository;

use crate::manifests::Manifests;
use crate::node;
use crate::pod::server;
use crate::policies::Peer;

const POSTGRES: (&str, u16) = ("postgresql", 5432);
const RABBITMQ: (&str, u16) = ("amqp", 5672);

/// Both servers. They end with the node.
pub struct Servers {
    /// How policies see PostgreSQL.
    pub postgres: Peer,
    /// How policies see RabbitMQ.
    pub rabbitmq: Peer,
}

impl Servers {
    /// Starts them and makes the databases.
    pub async fn start(manifests: &Manifests, folder: &Path, [postgres, rabbitmq]: [Ipv4Addr; 2]) -> Self {
        let up = [("postgres", postgres), ("rabbitmq", rabbitmq)].map(|(name, address)| {
            node::wire(name, address);
            up(name, folder.join(name))
        });
        for server in up {
            tokio::task::spawn_blocking(move || expect_success(server)).await.unwrap();
        }
        let this = Self {
            postgres: server(postgres, manifests.server("postgresql"), POSTGRES),
            rabbitmq: server(rabbitmq, manifests.server("rabbitmq"), RABBITMQ),
        };
        this.make_databases(&manifests.databases());
        this
    }

    /// A database as the administrator of the server sees it.
    pub fn database(&self, name: &str) -> DatabaseUrl {
        let url = format!("postgres://hms:hms@{}:{}/{name}", self.postgres.address, POSTGRES.1);
        url.parse().unwrap()
    }

    /// Where the broker is.
    pub fn amqp_url(&self) -> String {
        format!("amqp://guest:guest@{}:{}/%2f", self.rabbitmq.address, RABBITMQ.1)
    }

    fn make_databases(&self, statements: &str) {
        let mut command = Command::new("psql");
        command.args(["-Xqv", "ON_ERROR_STOP=1", "-f", "-"]);
        command.arg(self.database("postgres").expose());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), statements.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "the databases cannot be made");
    }
}

fn up(name: &'static str, folder: PathBuf) -> std::process::Child {
    let log = std::fs::File::create(folder.with_extension("log")).unwrap();
    let mut command = node::within(name);
    command.arg(repository().join("deploy/dev/services.sh")).args(["up", name]);
    command.env("HMS_INFRA_DIR", folder).env("HMS_LISTEN", "0.0.0.0");
    command.env("HMS_PG_PORT", POSTGRES.1.to_string()).env("HMS_AMQP_PORT", RABBITMQ.1.to_string());
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

fn expect_success(mut child: std::process::Child) {
    let status = child.wait().unwrap();
    assert!(status.success(), "a server did not start: {status}; see its log in target/cluster");
}
