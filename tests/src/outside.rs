//! What the platform uses outside of its process: databases and queues with names of their own, gone afterwards.

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection};
use hms_model::Clock;
use hms_model::id::Id;
use hms_model::service::SERVICES;
use hms_settings::Settings;
use hms_testkit::database::postgres_server;
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::{Connection, ConnectionProperties};

use crate::Kind;

/// The databases and the broker of one platform.
#[derive(Debug)]
pub enum Outside {
    /// Nothing: all of it is in the data folder.
    Nothing,
    /// Names on the servers of the tests.
    Servers {
        /// What they all begin with.
        prefix: String,
    },
}

impl Outside {
    /// New names; the platform makes what they name.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Embedded => Self::Nothing,
            Kind::Production => {
                let id = Id::<()>::new(Clock::system().now()).uuid().simple().to_string();
                Self::Servers { prefix: format!("hms_story_{id}") }
            }
        }
    }

    /// The settings that lead the platform there.
    pub fn settings(&self) -> Vec<(String, String)> {
        let Self::Servers { prefix } = self else { return Vec::new() };
        let mut settings =
            vec![("AMQP_URL".to_owned(), amqp_url()), ("HMS_BUS_PREFIX".to_owned(), prefix.clone())];
        for service in SERVICES {
            let url = postgres_server().with_database(&database(prefix, service.name));
            settings.push((format!("{}_DATABASE_URL", service.name.to_uppercase()), url.expose()));
        }
        settings
    }
}

impl Drop for Outside {
    /// On a thread and a runtime of its own: that of the test may be on its way out.
    fn drop(&mut self) {
        let Self::Servers { prefix } = self else { return };
        let prefix = prefix.clone();
        let cleaning = std::thread::spawn(move || {
            drop_databases(&prefix);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            if let Err(error) = runtime.block_on(delete_queues(&prefix)) {
                println!("the queues of {prefix} are left in the broker: {error}");
            }
        });
        let _failed_and_said_so = cleaning.join();
    }
}

fn database(prefix: &str, service: &str) -> String {
    format!("{prefix}_{service}")
}

fn amqp_url() -> String {
    let url = Settings::from_environment().get("HMS_TEST_AMQP_URL");
    url.unwrap_or_else(|| "amqp://guest:guest@127.0.0.1:55672/%2f".to_owned())
}

/// All at once: each makes the server write all that it has in memory, and together they do so once.
fn drop_databases(prefix: &str) {
    std::thread::scope(|threads| {
        for service in SERVICES {
            threads.spawn(|| drop_database(&database(prefix, service.name)));
        }
    });
}

fn drop_database(name: &str) {
    let server = postgres_server();
    let gone = PgConnection::establish(&server.expose()).map_err(|error| error.to_string()).and_then(
        |mut connection| {
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            connection.batch_execute(&drop).map_err(|error| error.to_string())
        },
    );
    if let Err(error) = gone {
        println!("the database {name} is left on {server}: {error}");
    }
}

async fn delete_queues(prefix: &str) -> lapin::Result<()> {
    let connection = Connection::connect(&amqp_url(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    for service in SERVICES {
        for end in ["", ".retry", ".dead"] {
            let queue = format!("{prefix}.{}{end}", service.name);
            channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await?;
        }
    }
    for end in ["events", "dead"] {
        let exchange = format!("{prefix}.{end}");
        channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await?;
    }
    connection.close(200, "done".into()).await
}
