//! `hms-load`: what `tests/bench.sh` calls.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use hms_load::api::{Api, Credentials};
use hms_load::events::Road;
use hms_load::hospital::{Hospital, Size};
use hms_load::listeners;
use hms_load::load::{self, Plan};
use hms_load::storm::{self, Storm};
use hms_load::work::{Kind, Speaks, Work};
use hms_model::service::SERVICES;
use hms_settings::Settings;

/// How long a change may take to those who listen.
const PATIENCE: Duration = Duration::from_secs(30);
/// Whom a race is about, where the API does not tell who is there.
const ONE_OF_EACH: Size = Size { patients: 1, practitioners: 1 };

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
        /// How many.
        #[command(flatten)]
        size: People,
    },
    /// Puts the load on, and prints one line of what came of it.
    Run {
        /// What to ask for.
        kind: Kind,
        /// Whose API it is.
        #[arg(long, value_enum, default_value_t = Speaks::Hms)]
        api: Speaks,
        /// Of an API that is not HMS: how many are there.
        #[command(flatten)]
        size: People,
        /// Where the gateway is.
        #[arg(long)]
        gateway: SocketAddr,
        /// A file with those who are there; made when it is missing. They are looked up each time without it.
        #[arg(long)]
        known: Option<PathBuf>,
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
    /// Asks for each of some slots eight times at once, and prints how many were given away more than once.
    Race {
        /// Where the gateway is.
        #[arg(long)]
        gateway: SocketAddr,
        /// Whose API it is.
        #[arg(long, value_enum, default_value_t = Speaks::Hms)]
        api: Speaks,
        /// How many slots.
        #[arg(long, default_value_t = 20)]
        slots: u32,
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
    /// Measures how long reads at a steady rate take, alone and while many sign in, and prints one line of it.
    Storm {
        /// Where the gateway is.
        #[arg(long)]
        gateway: SocketAddr,
        /// A file with those who are there, as that of `run`.
        #[arg(long)]
        known: Option<PathBuf>,
        /// How many sign in at the same time.
        #[arg(long, default_value_t = 64)]
        connections: u16,
        /// Reads a second.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        rate: u32,
        /// How many seconds to read, each time.
        #[arg(long, default_value_t = 10)]
        seconds: u16,
    },
    /// Measures how long a change of the queue takes to the last of many who listen, and prints one line of it.
    Listeners {
        /// Where the gateway is.
        #[arg(long)]
        gateway: SocketAddr,
        /// How many listen.
        #[arg(long, default_value_t = 1_000)]
        listeners: usize,
        /// How many changes they hear of.
        #[arg(long, default_value_t = 30)]
        changes: usize,
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
    Services {
        /// Each with its port.
        #[arg(long)]
        ports: bool,
    },
    /// Makes the list of patients large in which `run find` searches. It adds to what is there, past the service.
    Crowd {
        /// The database of the user service; a PostgreSQL.
        #[arg(long)]
        database: String,
        /// How many patients to add.
        #[arg(long)]
        patients: u32,
    },
    /// Deletes what a platform has left in RabbitMQ, at AMQP_URL.
    Forget {
        /// Its HMS_BUS_PREFIX.
        prefix: String,
    },
}

#[derive(Debug, Clone, Copy, Args)]
struct People {
    /// How many patients.
    #[arg(long, default_value_t = 100)]
    patients: usize,
    /// How many practitioners.
    #[arg(long, default_value_t = 50)]
    practitioners: usize,
}

impl From<People> for Size {
    fn from(People { patients, practitioners }: People) -> Self {
        Self { patients, practitioners }
    }
}

/// Somebody who has signed in, and those whom the requests are about.
async fn enter(
    speaks: Speaks,
    gateway: SocketAddr,
    settings: &Settings,
    (size, known): (Size, Option<&Path>),
) -> anyhow::Result<(Api, Hospital)> {
    Ok(match speaks {
        Speaks::Hms => {
            let mut api = Api::sign_in(gateway, &Credentials::read(settings)?).await?;
            let hospital = match known {
                Some(file) => Hospital::known(&mut api, file).await?,
                None => Hospital::open(&mut api).await?,
            };
            (api, hospital)
        }
        Speaks::Fastapi => (Api::sign_in_at_fastapi(gateway).await?, Hospital::of_fastapi(size)),
    })
}

/// A storm of sign-ins.
async fn weather(storm: Storm, known: Option<&Path>, settings: &Settings) -> anyhow::Result<storm::Report> {
    let credentials = Credentials::read(settings)?;
    let (api, hospital) = enter(Speaks::Hms, storm.gateway, settings, (ONE_OF_EACH, known)).await?;
    let work = |kind| Work::new(kind, Speaks::Hms, api.token(), hospital.clone());
    let sign_ins = work(Kind::SignIn).signing_in(credentials);
    storm::measure(storm, &work(Kind::Read), &sign_ins).await
}

/// Many who listen to a queue of their own.
async fn listen(
    gateway: SocketAddr,
    listeners: usize,
    changes: usize,
    settings: &Settings,
) -> anyhow::Result<listeners::Report> {
    let mut api = Api::sign_in(gateway, &Credentials::read(settings)?).await?;
    let department = listeners::department(&mut api).await?;
    let plan = listeners::Plan { gateway, department, listeners, changes, patience: PATIENCE };
    listeners::measure(&mut api, &plan).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::from_environment();
    match Cli::parse().command {
        Command::Fill { gateway, size } => {
            let api = Api::sign_in(gateway, &Credentials::read(&settings)?).await?;
            Hospital::fill(&api, gateway, size.into()).await?;
        }
        Command::Race { gateway, api, slots } => {
            let (client, hospital) = enter(api, gateway, &settings, (ONE_OF_EACH, None)).await?;
            let work = Work::new(Kind::Book, api, client.token(), hospital);
            writeln!(io::stdout(), "{}", hms_load::race::run(gateway, &work, slots).await?)?;
        }
        Command::Run { kind, api, size, gateway, known, connections, warm_up, seconds } => {
            let (warm_up, measured) =
                (Duration::from_secs(warm_up.into()), Duration::from_secs(seconds.into()));
            let (client, hospital) = enter(api, gateway, &settings, (size.into(), known.as_deref())).await?;
            let mut work = Work::new(kind, api, client.token(), hospital);
            if (kind, api) == (Kind::SignIn, Speaks::Hms) {
                work = work.signing_in(Credentials::read(&settings)?);
            }
            let report = load::run(Plan { gateway, connections, warm_up, measured }, &work).await?;
            writeln!(io::stdout(), "{report}")?;
        }
        Command::Identity { gateway, seconds } => {
            let (credentials, measured) =
                (Credentials::read(&settings)?, Duration::from_secs(seconds.into()));
            writeln!(io::stdout(), "{}", hms_load::identity::measure(gateway, credentials, measured).await?)?;
        }
        Command::Storm { gateway, known, connections, rate, seconds } => {
            let measured = Duration::from_secs(seconds.into());
            let storm = Storm { gateway, connections, rate, measured };
            let report = weather(storm, known.as_deref(), &settings).await?;
            writeln!(io::stdout(), "{report}")?;
        }
        Command::Listeners { gateway, listeners, changes } => {
            let report = listen(gateway, listeners, changes, &settings).await?;
            writeln!(io::stdout(), "{report}")?;
        }
        Command::Webhooks { gateway, events } => {
            let api = Api::sign_in(gateway, &Credentials::read(&settings)?).await?;
            writeln!(io::stdout(), "{}", hms_load::webhooks::measure(gateway, api.token(), events).await?)?;
        }
        Command::Calendar { database, practitioners, days } => {
            hms_load::calendar::fill(database.parse()?, practitioners, days).await?;
        }
        Command::Services { ports } => {
            for service in SERVICES {
                let port = if ports { format!(" {}", service.port) } else { String::new() };
                writeln!(io::stdout(), "{}{port}", service.name)?;
            }
        }
        Command::Crowd { database, patients } => {
            hms_load::crowd::fill(database.parse()?, patients).await?;
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
