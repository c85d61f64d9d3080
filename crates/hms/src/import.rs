//! `hms import`: another system's export, brought in through the public API as any client would, with
//! idempotency keys. Reading, mapping, sending and telling stand apart: [`table`] reads CSV, the mapping is pure,
//! [`client`](crate::client) speaks HTTP, [`create`] decides what an answer means, [`progress`] and [`report`] tell.

mod create;
mod progress;
mod report;
pub mod synthea;
mod table;
mod unusable;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use hms_settings::Settings;

pub use crate::client::{ClientError, Credentials, Patience};
pub use progress::Style;
pub use report::{Counts, FileReport, Report, RowReport};
pub use table::TableError;

use crate::login::{Login, LoginArgs, LoginError};
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
    /// Where, and as whom.
    #[command(flatten)]
    pub login: LoginArgs,
    /// Print the final report as JSON on stdout, and everything else on stderr.
    #[arg(long)]
    pub json: bool,
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

fn options(args: SyntheaArgs, settings: &Settings) -> Result<Options, LoginError> {
    let Login { url, credentials } = args.login.complete(settings)?;
    let mut options = Options::new(args.dir, url, credentials);
    options.style = if io::stderr().is_terminal() { Style::Bar } else { Style::Lines };
    Ok(options)
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
