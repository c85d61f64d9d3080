//! `hms asyncapi`: the document of all events, without starting anything.

use std::io::Write;

/// Writes the document as JSON.
pub fn write(out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "{:#}", hms_bus::asyncapi::document())?;
    Ok(())
}
