//! Logs through `tracing`: JSON lines where a machine reads them, text on a terminal. A failure is logged once,
//! where it is handled, with ids and never with personal data.

use std::io::IsTerminal;

use hms_settings::{SettingError, Settings};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What libraries may say at the most: below a warning it is of use to nobody who runs a hospital. lapin shows whole
/// messages, and with them whom they are about; what matters of its errors the bus says itself.
const LIBRARIES: [(&str, LevelFilter); 6] = [
    ("lapin", LevelFilter::OFF),
    ("hyper", LevelFilter::WARN),
    ("reqwest", LevelFilter::WARN),
    ("actix_server", LevelFilter::WARN),
    ("mio", LevelFilter::WARN),
    ("rustls", LevelFilter::WARN),
];

/// Starts logging to the standard error: `LOG_LEVEL` (`INFO`; `DEBUG=true` lowers it to `DEBUG`), `LOG_FORMAT`
/// (`json` or `text`; by default text on a terminal). A second call changes nothing.
pub fn init(settings: &Settings) -> Result<(), SettingError> {
    let level = level(settings)?;
    let filter =
        LIBRARIES.iter().fold(EnvFilter::default().add_directive(level.into()), |filter, (library, most)| {
            match format!("{library}={}", level.min(*most)).parse() {
                Ok(directive) => filter.add_directive(directive),
                Err(_) => filter,
            }
        });
    // hms-bus tells of every fault of the broker itself; lapin would say it twice, and calls a stop an error.
    let filter = match "lapin=off".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json(settings)? {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
    };
    // An error says that this process logs already: the first one decides.
    let _already_started = started;
    Ok(())
}

/// What is logged at the most: `LOG_LEVEL`, else `DEBUG` if it is `true`, else `INFO`.
pub fn level(settings: &Settings) -> Result<LevelFilter, SettingError> {
    let default = if settings.parse_or("DEBUG", false)? { LevelFilter::DEBUG } else { LevelFilter::INFO };
    settings.parse_or("LOG_LEVEL", default)
}

/// Whether logs are JSON lines: `LOG_FORMAT`, and by default wherever there is no terminal.
pub fn json(settings: &Settings) -> Result<bool, SettingError> {
    match settings.get("LOG_FORMAT").as_deref() {
        None => Ok(!std::io::stderr().is_terminal()),
        Some("json") => Ok(true),
        Some("text") => Ok(false),
        Some(_) => Err(SettingError::new("LOG_FORMAT", "must be json or text")),
    }
}
