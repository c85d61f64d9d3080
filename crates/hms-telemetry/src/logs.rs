//! Logs through `tracing`: JSON lines where a machine reads them, text on a terminal. A failure is logged once,
//! where it is handled, with ids and never with personal data.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use hms_settings::{SettingError, Settings};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::LogFile;
use crate::traced::Traced;

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

/// The file of this process, where it keeps one.
static FILE: OnceLock<LogFile> = OnceLock::new();

/// Starts logging to the standard error: `LOG_LEVEL` (`INFO`; `DEBUG=true` lowers it to `DEBUG`), `LOG_FORMAT`
/// (`json` or `text`; by default text on a terminal). Where `LOG_DIR` is set, the lines are kept there too, as JSON in
/// `<program>.log`, for `hms logs`. A second call changes nothing.
pub fn init(settings: &Settings, program: &str) -> Result<(), SettingError> {
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
    let shown = if json(settings)? {
        as_json(io::stderr)
    } else {
        let colours = io::stderr().is_terminal();
        let layer = fmt::layer().with_writer(io::stderr).with_ansi(colours).with_target(false);
        layer.map_event_format(|inner| Traced { inner: inner.with_ansi(colours), json: false }).boxed()
    };
    let kept = open_file(settings, program)?.map(|file| as_json(file.clone()));
    let layers: Vec<_> = std::iter::once(shown).chain(kept).collect();
    // An error says that this process logs already: the first one decides.
    let _already_started = tracing_subscriber::registry().with(layers).with(filter).try_init();
    Ok(())
}

fn as_json<W>(writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(writer);
    layer.map_event_format(|inner| Traced { inner, json: true }).boxed()
}

fn open_file(settings: &Settings, program: &str) -> Result<Option<&'static LogFile>, SettingError> {
    let Some(folder) = settings.get("LOG_DIR") else { return Ok(None) };
    let file = LogFile::open(folder.as_ref(), program);
    let file = file.map_err(|error| SettingError::new("LOG_DIR", error))?;
    Ok(Some(FILE.get_or_init(|| file)))
}

/// Where lines of JSON go that do not come through `tracing`: the standard error, and the file where there is one.
pub fn sink() -> impl Write + Send + 'static {
    Sink { file: FILE.get().cloned() }
}

struct Sink {
    file: Option<LogFile>,
}

impl Write for Sink {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            // The standard error has them all the same.
            let _full_disk = file.write_all(lines);
        }
        io::stderr().write_all(lines).map(|()| lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// What is logged at the most: `LOG_LEVEL`, else `DEBUG` if it is `true`, else `INFO`.
pub fn level(settings: &Settings) -> Result<LevelFilter, SettingError> {
    let default = if settings.parse_or("DEBUG", false)? { LevelFilter::DEBUG } else { LevelFilter::INFO };
    settings.parse_or("LOG_LEVEL", default)
}

/// Whether logs are JSON lines: `LOG_FORMAT`, and by default wherever there is no terminal.
pub fn json(settings: &Settings) -> Result<bool, SettingError> {
    match settings.get("LOG_FORMAT").as_deref() {
        None => Ok(!io::stderr().is_terminal()),
        Some("json") => Ok(true),
        Some("text") => Ok(false),
        Some(_) => Err(SettingError::new("LOG_FORMAT", "must be json or text")),
    }
}
