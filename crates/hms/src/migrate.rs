//! `hms migrate`: the tables of one service or of all, for deployments that do it before they start anything.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use hms_db::{Database, PoolOptions};
use hms_service::{PENDING, Program, ServiceSettings};
use hms_settings::Settings;

use crate::services::PROGRAMS;
use crate::up::with_own_database;

/// The arguments.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The service; all when it is left out.
    service: Option<String>,
    /// Changes nothing and says what is still to be done: exit code 0 if nothing is, 3 if something is.
    #[arg(long)]
    check: bool,
}

/// Makes or renews the tables, or only looks at them; says on `out` what it did.
pub async fn migrate(
    args: &MigrateArgs,
    settings: &Settings,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let service = args.service.as_deref();
    let chosen: Vec<&Program> =
        PROGRAMS.iter().copied().filter(|program| service.is_none_or(|name| name == program.name)).collect();
    if chosen.is_empty() {
        bail!("there is no service {}", service.unwrap_or_default());
    }
    let mut code = ExitCode::SUCCESS;
    for program in chosen {
        // One service named alone means exactly the database of DATABASE_URL, as when it runs alone.
        let settings =
            if service.is_some() { settings.clone() } else { with_own_database(settings, program.name)? };
        let own = ServiceSettings::read(&settings, program.name)?;
        let database = Database::new(own.database.clone(), PoolOptions::default());
        if !args.check {
            let done = database.migrate(&(program.migrations)()).await;
            let done = done.with_context(|| format!("the tables of {} cannot be made", program.name))?;
            writeln!(out, "{:<14} {} ({} new)", program.name, own.database, done.len())?;
            continue;
        }
        let pending = database.pending(&(program.migrations)()).await;
        let pending =
            pending.with_context(|| format!("the tables of {} cannot be looked at", program.name))?;
        writeln!(out, "{:<14} {} ({} pending)", program.name, own.database, pending.len())?;
        for name in &pending {
            writeln!(out, "  {name}")?;
            code = ExitCode::from(PENDING);
        }
    }
    Ok(code)
}
