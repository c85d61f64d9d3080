//! `hms openapi`: the document of a service, without starting it.

use std::io::Write;

use anyhow::Context as _;
use utoipa::openapi::OpenApi;

use crate::services::PROGRAMS;

/// The documents of all services, by name.
pub fn documents() -> impl Iterator<Item = (&'static str, OpenApi)> {
    PROGRAMS.iter().map(|program| (program.name, (program.document)()))
}

/// Writes the document of one service as JSON.
pub fn write(service: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let (_, document) = documents()
        .find(|(name, _)| *name == service)
        .with_context(|| format!("there is no service {service}"))?;
    writeln!(out, "{}", document.to_pretty_json()?)?;
    Ok(())
}
