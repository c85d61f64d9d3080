//! `hms import`: another system's export, brought in through the public API as any client would, with
//! idempotency keys. Reading, mapping, sending and telling stand apart: [`table`] reads CSV, the mapping is pure,
//! [`client`] speaks HTTP, [`create`] decides what an answer means, [`progress`] and [`report`] tell.

mod client;
mod create;
mod progress;
mod report;
pub mod synthea;
mod table;
mod unusable;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hms_model::{Secret, service};
use hms_settings::{SettingError, Settings};

pub use client::{ClientError, Credentials, Patience};
pub use progress::Style;
pub use report::{Counts, FileReport, Report, RowReport};
pub use table::TableError;

use synthea::Options;

/// The arguments of `hms import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// Whose export it is.
    #[command(subcommand)]
    pub source: Source,
}

/// The systems whose exports can be read.
#[derive(Debug, clap::Subcommand)]
pub enum Source {
    /// The CSV export of Synthea, the synthetic patient generator.
    ///
    /// Exit code: 0 when every row is there now, 2 when some rows were refused, 1 when it could not run.
    Synthea(SyntheaArgs),
}

/// The arguments of `hms import synthea`.
#[derive(Debug, clap::Args)]
pub struct SyntheaArgs {
    /// The folder with organizations.csv, providers.csv, patients.csv and encounters.csv.
    pub dir: PathBuf,
    /// The gateway [default: http://127.0.0.1:8080, the port moved by HMS_PORT_OFFSET].
    #[arg(long)]
    pub url: Option<String>,
    /// Who imports: the user name or e-mail address of an admin [default: HMS_ADMIN_EMAIL or admin@hms.local].
    #[arg(long)]
    pub username: Option<String>,
    /// A file with the password [default: HMS_ADMIN_PASSWORD, else the file admin-password in HMS_DATA_DIR].
    #[arg(long)]
    pub password_file: Option<PathBuf>,
    /// Print the final report as JSON on stdout, and everything else on stderr.
    #[arg(long)]
    pub json: bool,
}

/// Why the arguments and settings do not suffice to begin.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("cannot read the password from {file}: {source}; set HMS_ADMIN_PASSWORD or give --password-file")]
    PasswordFile { file: String, source: io::Error },
}

/// Runs `hms import` and tells the shell how it went: 0 when every row is there now, 2 when some rows were
/// refused, 1 when it could not run.
pub async fn execute(args: ImportArgs, settings: &Settings) -> ExitCode {
    let Source::Synthea(args) = args.source;
    let json = args.json;
    let options = match options(args, settings) {
        Ok(options) => options,
        Err(error) => return fail(&error),
    };
    let mut talk: Box<dyn Write + Send> = if json { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
    match synthea::run(options, talk.as_mut()).await {
        Err(error) => fail(&error),
        Ok(report) => match show(&report, json) {
            Err(error) => fail(&error),
            Ok(()) if report.is_complete() => ExitCode::SUCCESS,
            Ok(()) => ExitCode::from(2),
        },
    }
}

fn options(args: SyntheaArgs, settings: &Settings) -> Result<Options, StartError> {
    let username = args.username.or_else(|| settings.get("HMS_ADMIN_EMAIL"));
    let username = username.unwrap_or_else(|| "admin@hms.local".into());
    let password = password(args.password_file.as_deref(), settings)?;
    let url = match args.url {
        Some(url) => url,
        None => default_url(settings)?,
    };
    let mut options = Options::new(args.dir, url, Credentials { username, password });
    options.style = if io::stderr().is_terminal() { Style::Bar } else { Style::Lines };
    Ok(options)
}

fn default_url(settings: &Settings) -> Result<String, StartError> {
    Ok(format!("http://127.0.0.1:{}", settings.port(service::GATEWAY_PORT)?))
}

fn password(file: Option<&Path>, settings: &Settings) -> Result<Secret, StartError> {
    if let (None, Some(password)) = (file, settings.get("HMS_ADMIN_PASSWORD")) {
        return Ok(Secret::new(password));
    }
    let data = settings.get("HMS_DATA_DIR").unwrap_or_else(|| "data".into());
    let file = file.map_or_else(|| Path::new(&data).join("admin-password"), Path::to_path_buf);
    let text = std::fs::read_to_string(&file)
        .map_err(|source| StartError::PasswordFile { file: file.display().to_string(), source })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn show(report: &Report, json: bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut stdout, report)?;
        writeln!(stdout)
    } else {
        report.write_table(&mut stdout)
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    // With stderr gone too, the exit code is all that is left to say it.
    let _ = writeln!(io::stderr(), "hms import: {error}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> SyntheaArgs {
        SyntheaArgs { dir: "export".into(), url: None, username: None, password_file: None, json: false }
    }

    #[test]
    fn settings_stand_in_for_what_the_arguments_leave_open() {
        let settings = Settings::from_pairs([
            ("HMS_ADMIN_EMAIL", "boss@example.org"),
            ("HMS_ADMIN_PASSWORD", "from the setting"),
            ("HMS_PORT_OFFSET", "100"),
        ]);
        let options = options(args(), &settings).unwrap();
        assert_eq!(options.url, "http://127.0.0.1:8180");
        assert_eq!(options.credentials.username, "boss@example.org");
        assert_eq!(options.credentials.password, Secret::new("from the setting"));
    }

    #[test]
    fn a_password_file_that_is_named_wins_over_the_setting() {
        let file = std::env::temp_dir().join(format!("hms-import-password-{}", std::process::id()));
        std::fs::write(&file, " from the file \r\n").unwrap();
        let settings = Settings::from_pairs([("HMS_ADMIN_PASSWORD", "from the setting")]);
        let read = password(Some(&file), &settings);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(read.unwrap(), Secret::new(" from the file "));
    }

    #[test]
    fn without_any_password_the_place_it_was_looked_for_is_named() {
        let error = password(None, &Settings::from_pairs([("HMS_DATA_DIR", "/no/such/place")])).unwrap_err();
        assert!(error.to_string().contains("/no/such/place/admin-password"), "{error}");
    }
}
