//! `hms migrate`: the tables of one service or of all, for deployments that do it before they start anything.

use std::io::Write;

use anyhow::{Context as _, bail};
use hms_db::{Database, PoolOptions};
use hms_service::ServiceSettings;
use hms_settings::Settings;

use crate::services::{ENTRIES, Entry};
use crate::up::with_own_database;

/// Makes or renews the tables; says on `out` what it did.
pub async fn migrate(settings: &Settings, service: Option<&str>, out: &mut impl Write) -> anyhow::Result<()> {
    let chosen: Vec<&Entry> =
        ENTRIES.iter().filter(|entry| service.is_none_or(|name| name == entry.name)).collect();
    if chosen.is_empty() {
        bail!("there is no service {}", service.unwrap_or_default());
    }
    for entry in chosen {
        // One service named alone means exactly the database of DATABASE_URL, as when it runs alone.
        let settings =
            if service.is_some() { settings.clone() } else { with_own_database(settings, entry.name)? };
        let own = ServiceSettings::read(&settings, entry.name)?;
        let database = Database::new(own.database.clone(), PoolOptions::default());
        let done = database.migrate(&(entry.migrations)()).await;
        let done = done.with_context(|| format!("the tables of {} cannot be made", entry.name))?;
        writeln!(out, "{:<14} {} ({} new)", entry.name, own.database, done.len())?;
    }
    Ok(())
}
