//! The settings that every service has.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use hms_bus::Transport;
use hms_db::DatabaseUrl;
use hms_model::Secret;
use hms_model::service::ServiceEntry;
use hms_settings::{SettingError, Settings};

/// Long enough for the gateway, or whoever else sends requests here, to look at `/health/ready` once more.
const DRAIN: Duration = Duration::from_secs(5);

/// The settings of one service, read once at its start.
#[derive(Debug)]
pub struct ServiceSettings {
    /// Which service.
    pub entry: &'static ServiceEntry,
    /// `HMS_BIND` (127.0.0.1): the address it listens on.
    pub bind: IpAddr,
    /// Its port of the table, moved by `HMS_PORT_OFFSET` (0).
    pub port: u16,
    /// `HMS_DATA_DIR` (`data`): where everything is kept that has no URL.
    pub data_dir: PathBuf,
    /// `DATABASE_URL`, or a SQLite file in the data folder.
    pub database: DatabaseUrl,
    /// `HMS_WORKERS` (one per core, at most 2): the threads that answer requests.
    pub workers: usize,
    /// `HMS_DRAIN_SECONDS` (5): how long a service that runs alone serves on after SIGTERM.
    pub drain: Duration,
}

impl ServiceSettings {
    /// Reads them for one service.
    pub fn read(settings: &Settings, name: &str) -> Result<Self, SettingError> {
        let entry = ServiceEntry::find(name)
            .ok_or_else(|| SettingError::new(name, "there is no such service in the list of services"))?;
        let data_dir = PathBuf::from(settings.get("HMS_DATA_DIR").unwrap_or_else(|| "data".into()));
        let database = match settings.parse(&format!("{}_DATABASE_URL", name.to_uppercase()))? {
            Some(own) => own,
            None => settings.parse("DATABASE_URL")?.map_or_else(|| sqlite(&data_dir, entry), Ok)?,
        };
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Ok(Self {
            entry,
            bind: settings.parse_or("HMS_BIND", IpAddr::from([127, 0, 0, 1]))?,
            port: settings.port(entry.port)?,
            data_dir,
            database,
            workers: settings.parse_or("HMS_WORKERS", cores.min(2))?.max(1),
            drain: settings.seconds("HMS_DRAIN_SECONDS", DRAIN)?,
        })
    }
}

fn sqlite(data_dir: &std::path::Path, entry: &ServiceEntry) -> Result<DatabaseUrl, SettingError> {
    let file = data_dir.join(format!("{}.sqlite3", entry.database()));
    let url = format!("sqlite://{}", file.display());
    url.parse().map_err(|reason| SettingError::new("HMS_DATA_DIR", reason))
}

/// How events travel: RabbitMQ at `AMQP_URL`, with names that begin with `HMS_BUS_PREFIX` (`hms`); otherwise in
/// this process, if it runs the whole platform; otherwise they wait in the outbox.
pub(crate) fn transport(settings: &Settings, in_process: Option<&hms_bus::InProcess>) -> Transport {
    match (settings.get("AMQP_URL"), in_process) {
        (Some(url), _) => {
            let prefix = settings.get("HMS_BUS_PREFIX").unwrap_or_else(|| "hms".into());
            Transport::Amqp { url: Secret::new(url), prefix }
        }
        (None, Some(broker)) => Transport::InProcess(broker.clone()),
        (None, None) => Transport::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_database_of_its_own_unless_told_otherwise() {
        let cases: [(&[(&str, &str)], &str); 3] = [
            (&[], "sqlite://data/user_db.sqlite3"),
            (&[("DATABASE_URL", "sqlite://x.db")], "sqlite://x.db"),
            (&[("DATABASE_URL", "sqlite://x.db"), ("USER_DATABASE_URL", "sqlite://y.db")], "sqlite://y.db"),
        ];
        for (pairs, expected) in cases {
            let settings = Settings::default().with(pairs.iter().copied());
            assert_eq!(ServiceSettings::read(&settings, "user").unwrap().database.to_string(), expected);
        }
    }

    #[test]
    fn an_offset_beyond_the_last_port_is_refused() {
        let settings = Settings::from_pairs([("HMS_PORT_OFFSET", "60000")]);
        let error = ServiceSettings::read(&settings, "auth").unwrap_err();
        assert!(error.to_string().starts_with("HMS_PORT_OFFSET"), "{error}");
    }
}
