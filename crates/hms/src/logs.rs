//! `hms logs`: the lines that the processes on this machine have written to `LOG_DIR` (`logs` in the data folder), of
//! all services or of some, in the order of time. `hms up` writes there by itself, a service that runs alone where
//! `LOG_DIR` is set. In a cluster `kubectl logs` does this.

mod line;
mod tail;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use hms_model::Clock;
use hms_model::service::ServiceEntry;
use hms_settings::Settings;
use hms_telemetry::LevelFilter;

use line::Line;
use tail::Tail;

/// How often files are looked at for new lines.
const EVERY: Duration = Duration::from_millis(200);

/// The arguments of `hms logs`.
#[derive(Debug, clap::Args)]
pub struct LogsArgs {
    /// Only of these services; `gateway` is one of them.
    pub services: Vec<String>,
    /// Goes on with what is written from now on, until Ctrl-C.
    #[arg(short, long)]
    pub follow: bool,
    /// Only what is younger: a length of time, such as 30s, 10m, 2h, 1d, or a moment (RFC 3339).
    #[arg(long)]
    pub since: Option<String>,
    /// Only lines of this level and above: error, warn, info, debug, trace.
    #[arg(long, default_value = "trace")]
    pub level: LevelFilter,
    /// Only of this request.
    #[arg(long)]
    pub request_id: Option<String>,
    /// Only of this trace.
    #[arg(long)]
    pub trace_id: Option<String>,
    /// JSON, one object a line, as it is without a terminal.
    #[arg(long)]
    pub json: bool,
}

/// Which lines are wanted.
#[derive(Debug)]
struct Wanted<'a> {
    args: &'a LogsArgs,
    since: Option<DateTime<Utc>>,
}

/// Where the lines of this machine are kept.
pub(crate) fn folder(settings: &Settings) -> PathBuf {
    let data = settings.get("HMS_DATA_DIR").unwrap_or_else(|| "data".into());
    settings.get("LOG_DIR").map_or_else(|| Path::new(&data).join("logs"), PathBuf::from)
}

/// Shows the lines on `out`.
pub async fn run(args: &LogsArgs, settings: &Settings, out: &mut impl Write) -> anyhow::Result<()> {
    for service in &args.services {
        if service != "gateway" && ServiceEntry::find(service).is_none() {
            bail!("there is no service {service}");
        }
    }
    let folder = folder(settings);
    if !folder.is_dir() && !args.follow {
        bail!("nothing is logged in {}: is this the data folder, or is LOG_DIR set?", folder.display());
    }
    let since = args.since.as_deref().map(|text| moment(text, Clock::system().now())).transpose()?;
    let (wanted, as_text) = (Wanted { args, since }, !args.json && std::io::stdout().is_terminal());
    let mut tail = Tail::new(folder);
    loop {
        let mut lines: Vec<Line> = tail.read()?.into_iter().filter(|line| wanted.has(line)).collect();
        lines.sort_by_key(Line::at);
        for line in &lines {
            let written =
                if as_text { writeln!(out, "{}", line.text()) } else { writeln!(out, "{}", line.raw()) };
            match written {
                // Whoever read has seen enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
                written => written?,
            }
        }
        out.flush()?;
        if !args.follow {
            return Ok(());
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

impl Wanted<'_> {
    fn has(&self, line: &Line) -> bool {
        let Self { args, since } = self;
        let is = |field: &str, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| line.field(field) == Some(wanted.as_str()))
        };
        since.is_none_or(|since| line.at() >= since)
            && line.level() <= args.level
            && (args.services.is_empty() || args.services.iter().any(|service| service == line.service()))
            && is("request_id", &args.request_id)
            && is("trace_id", &args.trace_id)
    }
}

/// A moment, or one that lies so long before `now`.
fn moment(text: &str, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.into());
    }
    let wrong = || format!("{text} is neither a length of time, such as 10m, nor a moment");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).with_context(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => bail!(wrong()),
    };
    let number: i64 = number.parse().ok().with_context(wrong)?;
    let length = number.checked_mul(seconds).and_then(TimeDelta::try_seconds).with_context(wrong)?;
    now.checked_sub_signed(length).with_context(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_length_of_time_or_a_moment() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let ago = |text| (now - moment(text, now).unwrap()).num_seconds();
        assert_eq!([ago("30s"), ago("10m"), ago("2h"), ago("1d")], [30, 600, 7_200, 86_400]);
        assert_eq!(moment("2027-01-15T08:00:00Z", now).unwrap(), now);
        for wrong in ["", "m", "10", "ten m", "10y", "9223372036854775807d", "é"] {
            assert!(moment(wrong, now).is_err(), "{wrong}");
        }
    }
}
