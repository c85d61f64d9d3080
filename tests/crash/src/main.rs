//! `make test-crash`: both ways to run the platform, killed under load. Ends with 1 if anything was lost or doubled.

use std::process::ExitCode;

use hms_crash::config::Config;
use hms_crash::report::Report;
use hms_crash::{embedded, production};
use hms_tests::{Kind, wanted};

#[tokio::main]
async fn main() -> ExitCode {
    tokio::select! {
        code = kill_everything() => code,
        // What was started goes with what is dropped here.
        _ = tokio::signal::ctrl_c() => ExitCode::FAILURE,
    }
}

async fn kill_everything() -> ExitCode {
    let config = Config::from_environment();
    let mut good = true;
    if wanted(Kind::Production) {
        good &=
            show("PostgreSQL + RabbitMQ, each service a process", &config, production::run(&config).await);
    }
    if wanted(Kind::Embedded) {
        good &= show("SQLite + in-process bus, `hms up`", &config, embedded::run(&config).await);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
fn show(title: &str, config: &Config, report: Report) -> bool {
    println!("{title}; HMS_CRASH_SEED={}\n{report}", config.seed);
    report.is_good()
}
