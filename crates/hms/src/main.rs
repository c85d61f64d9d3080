//! `hms`: the command line of the platform.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hms::import::{self, ImportArgs};
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
    /// Brings the export of another system in, through the public API.
    Import(ImportArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return explain(&usage),
    };
    let settings = Settings::from_environment();
    match cli.command {
        Command::Import(args) => import::execute(args, &settings).await,
    }
}

/// Shows the help that was asked for, or what is wrong with the arguments. Clap's own exit code for the latter is
/// 2, which `import` needs for something else.
fn explain(usage: &clap::Error) -> ExitCode {
    let shown = usage.print();
    if shown.is_err() || usage.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
