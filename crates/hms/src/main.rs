//! `hms`: the command line of the platform.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hms::audit::{self, AuditArgs};
use hms::dead_letters::{self, DeadLettersArgs};
use hms::import::{self, ImportArgs};
use hms::keys::{self, KeysArgs};
use hms::logs::{self, LogsArgs};
use hms::metrics::{self, MetricsArgs};
use hms::migrate::{self, MigrateArgs};
use hms::{asyncapi, openapi, up};
use hms_settings::Settings;

/// A hospital platform of small services.
#[derive(Debug, Parser)]
#[command(name = "hms", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the whole platform in this process, until Ctrl-C.
    Up,
    /// Brings the export of another system in, through the public API.
    Import(ImportArgs),
    /// Makes or renews the tables of one service or of all.
    Migrate(MigrateArgs),
    /// Writes the OpenAPI document of a service.
    Openapi {
        /// The service.
        service: String,
    },
    /// Writes the AsyncAPI document of all events.
    Asyncapi,
    /// Shows the events that services could not take, sends them again, drops them.
    DeadLetters(DeadLettersArgs),
    /// Tells whether the audit is what it was.
    Audit(AuditArgs),
    /// Shows what the services have logged, and what they log from now on.
    Logs(LogsArgs),
    /// Rotates the keys that tokens are signed with.
    Keys(KeysArgs),
    /// Counts the figures anew.
    Metrics(MetricsArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return explain(&usage),
    };
    let settings = Settings::from_environment();
    let mut out = io::stdout();
    let outcome = match cli.command {
        Command::Migrate(args) => match migrate::migrate(&args, &settings, &mut out).await {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Import(args) => return import::execute(args, &settings).await,
        Command::DeadLetters(args) => return dead_letters::execute(args, &settings).await,
        Command::Audit(args) => return audit::execute(args, &settings).await,
        Command::Keys(args) => keys::run(args, &settings, &mut out).await,
        Command::Metrics(args) => metrics::run(args, &settings, &mut out).await,
        Command::Logs(args) => logs::run(&args, &settings, &mut out).await,
        Command::Up => up::up(&settings, &mut out).await,
        Command::Openapi { service } => openapi::write(&service, &mut out),
        Command::Asyncapi => asyncapi::write(&mut out),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _unwritable = writeln!(io::stderr(), "hms: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Shows the help that was asked for, or what is wrong with the arguments. Clap's own exit code for the latter is
/// 2, which `import` needs for something else; `audit` needs the 1.
fn explain(usage: &clap::Error) -> ExitCode {
    let shown = usage.print();
    let of_audit = std::env::args_os().nth(1).is_some_and(|command| command == "audit");
    match shown.is_err() || usage.use_stderr() {
        false => ExitCode::SUCCESS,
        true if of_audit => ExitCode::from(audit::NOT_CHECKED),
        true => ExitCode::FAILURE,
    }
}
