//! The settings of a run.

use std::time::Duration;

use hms_model::Clock;
use hms_settings::Settings;

/// Writes of the long form; from here on the broker is away for a minute.
const LONG: usize = 20_000;

/// How much is written and how hard it is made.
#[derive(Debug, Clone)]
pub struct Config {
    /// `HMS_CRASH_SEED` (random): what is drawn by chance.
    pub seed: u64,
    /// `HMS_CRASH_WRITES` (2000): acknowledged writes at the least.
    pub writes: usize,
    /// `HMS_CRASH_WRITERS` (8): clients that write at the same time.
    pub writers: u64,
    /// `HMS_CRASH_BROKER_AWAY` (10; from 20,000 writes on 60): seconds without RabbitMQ.
    pub broker_away: Duration,
    /// `HMS_CRASH_KILLS` (10): how often `hms up` is killed at the least.
    pub kills: usize,
}

impl Config {
    /// Reads them.
    pub fn from_environment() -> Self {
        let settings = Settings::from_environment();
        let writes = settings.parse_or("HMS_CRASH_WRITES", 2_000).unwrap();
        let away = if writes < LONG { 10 } else { 60 };
        let some_seed = u64::try_from(Clock::system().now().timestamp_micros()).unwrap();
        Self {
            seed: settings.parse_or("HMS_CRASH_SEED", some_seed).unwrap(),
            writes,
            writers: settings.parse_or("HMS_CRASH_WRITERS", 8).unwrap(),
            broker_away: Duration::from_secs(settings.parse_or("HMS_CRASH_BROKER_AWAY", away).unwrap()),
            kills: settings.parse_or("HMS_CRASH_KILLS", 10).unwrap(),
        }
    }
}
