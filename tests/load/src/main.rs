//! `hms-load`: what `tests/bench.sh` calls.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, Subcommand};
use hms_load::api::{Api, Credentials};
use hms_load::events::Road;
use hms_load::hospital::Hospital;
use hms_load::load::{self, Plan};
use hms_load::work::{Kind, Work};
use hms_model::service::SERVICES;
use hms_settings::Settings;

/// Puts load on a platform. It signs in as HMS_ADMIN_EMAIL (admin@hms.local) with HMS_ADMIN_PASSWORD.
#[derive(Debug, Parser)]
#[command(name = "hms-load")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes the patients and practitioners that the load is about; run again, it changes nothing.
    Fill {
        /// Where the gateway is.
        #[arg(long)]
        gateway: SocketAddr,
    },
    /// Puts the load on, and prints one line of what came of it.
    Run {
        /// What to ask for.
        kind: Kind,
        /// Where the gateway is.
        #[arg(long)]
        gateway: SocketAddr,
        /// How many connections ask at the same time.
        #[arg(long, default_value_t = 16)]
        connections: u16,
        /// How many seconds to ask before anything is counted.
        #[arg(long, default_value_t = 1)]
        warm_up: u16,
        /// How many seconds to ask then.
        #[arg(long, default_value_t = 10)]
        seconds: u16,
    },
    /// Measures how fast events travel over RabbitMQ, at AMQP_URL, and prints one line of it.
    Events {
        /// The database with the outbox; made when it is missing.
        #[arg(long)]
        producer: String,
        /// The database with the inbox; the same.
        #[arg(long)]
        consumer: String,
        /// The first part of all names in the broker; `forget` deletes them.
        #[arg(long)]
        prefix: String,
        /// How many events to send at full speed.
        #[arg(long, default_value_t = 20_000)]
        events: usize,
        /// How many seconds to send at half of it.
        #[arg(long, default_value_t = 10)]
        seconds: u16,
    },
    /// Measures sign-ins beside a bare loop of Argon2id, and checks of tokens on one core, and prints one line of it.
    Identity {
        /// Where the gateway is.
        #[arg(long)]
        gateway: SocketAddr,
        /// How many seconds each takes.
        #[arg(long, default_value_t = 10)]
        seconds: u16,
    },
    /// Measures deliveries of webhooks beside a bare loop that signs and posts, and prints one line of it.
    Webhooks {
        /// Where the gateway is; its platform allows webhooks to http and private addresses.
        #[arg(long)]
        gateway: SocketAddr,
        /// How many events to deliver.
        #[arg(long, default_value_t = 2_000)]
        events: u32,
    },
    /// Makes the calendar large in which `run search` searches. It adds to what is there, past the service.
    Calendar {
        /// The database of the appointment service; a PostgreSQL.
        #[arg(long)]
        database: String,
        /// How many practitioners with a schedule to add.
        #[arg(long, default_value_t = 50)]
        practitioners: u32,
        /// How many days of bookings each of them has.
        #[arg(long, default_value_t = 60)]
        days: u32,
    },
    /// Prints the names of all services, one a line.
    Services,
    /// Deletes what a platform has left in RabbitMQ, at AMQP_URL.
    Forget {
        /// Its HMS_BUS_PREFIX.
        prefix: String,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::from_environment();
    match Cli::parse().command {
        Command::Fill { gateway } => {
            let mut api = Api::sign_in(gateway, &Credentials::read(&settings)?).await?;
            Hospital::fill(&mut api).await?;
        }
        Command::Run { kind, gateway, connections, warm_up, seconds } => {
            let (warm_up, measured) =
                (Duration::from_secs(warm_up.into()), Duration::from_secs(seconds.into()));
            let mut api = Api::sign_in(gateway, &Credentials::read(&settings)?).await?;
            let hospital = Hospital::open(&mut api).await?;
            let work = Work::new(kind, api.token(), hospital);
            let report = load::run(Plan { gateway, connections, warm_up, measured }, &work).await?;
            writeln!(io::stdout(), "{report}")?;
        }
        Command::Identity { gateway, seconds } => {
            let (credentials, measured) =
                (Credentials::read(&settings)?, Duration::from_secs(seconds.into()));
            writeln!(io::stdout(), "{}", hms_load::identity::measure(gateway, credentials, measured).await?)?;
        }
        Command::Webhooks { gateway, events } => {
            let api = Api::sign_in(gateway, &Credentials::read(&settings)?).await?;
            writeln!(io::stdout(), "{}", hms_load::webhooks::measure(gateway, api.token(), events).await?)?;
        }
        Command::Calendar { database, practitioners, days } => {
            hms_load::calendar::fill(database.parse()?, practitioners, days).await?;
        }
        Command::Services => {
            for service in SERVICES {
                writeln!(io::stdout(), "{}", service.name)?;
            }
        }
        Command::Events { producer, consumer, prefix, events, seconds } => {
            let (producer, consumer) = (producer.parse()?, consumer.parse()?);
            let road = Road { producer, consumer, amqp: amqp_url(&settings)?, prefix };
            let measured = Duration::from_secs(seconds.into());
            writeln!(io::stdout(), "{}", hms_load::events::measure(&road, events, measured).await?)?;
        }
        Command::Forget { prefix } => {
            hms_load::broker::forget(&amqp_url(&settings)?, &prefix).await?;
        }
    }
    Ok(())
}

fn amqp_url(settings: &Settings) -> anyhow::Result<String> {
    settings.get("AMQP_URL").ok_or_else(|| anyhow::anyhow!("AMQP_URL is not set"))
}
