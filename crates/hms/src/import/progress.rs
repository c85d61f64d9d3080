//! How far an import is: a bar on a terminal, plain lines elsewhere.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::report::{Counts, RowReport};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A bar on the terminal behind stderr.
    Bar,
    /// A line at every thousand rows and at the end of a file.
    Lines,
}

const ROWS_PER_LINE: u64 = 1_000;

/// Tells how the import goes; what it says line by line goes to `out`.
pub struct Progress<'w> {
    out: &'w mut (dyn Write + Send),
    style: Style,
    bar: ProgressBar,
}

impl<'w> Progress<'w> {
    /// Nothing is shown before the first file begins.
    pub fn new(out: &'w mut (dyn Write + Send), style: Style) -> Self {
        Self { out, style, bar: ProgressBar::hidden() }
    }

    /// A file begins, with about this many rows.
    pub fn begin(&mut self, file: &'static str, rows: u64) {
        if self.style == Style::Bar {
            let template = ProgressStyle::with_template("{prefix:<18} {bar:30} {pos:>7}/{len}  {msg}");
            self.bar = ProgressBar::new(rows).with_prefix(file);
            self.bar.set_style(template.unwrap_or_else(|_| ProgressStyle::default_bar()));
        }
    }

    /// One more row is done.
    pub fn step(&mut self, file: &str, counts: &Counts) -> io::Result<()> {
        match self.style {
            Style::Bar => {
                self.bar.set_position(counts.read);
                self.bar.set_message(outcomes(counts));
                Ok(())
            }
            Style::Lines if counts.read.is_multiple_of(ROWS_PER_LINE) => {
                writeln!(self.out, "{file}: {} so far, {}", counts.read, outcomes(counts))
            }
            Style::Lines => Ok(()),
        }
    }

    /// Says something about a row, above the bar if there is one.
    pub fn say(&mut self, what: &str, RowReport { file, line, reason }: &RowReport) -> io::Result<()> {
        self.bar.suspend(|| writeln!(self.out, "{what}: {file}, line {line}: {reason}"))
    }

    /// The file is done.
    pub fn end(&mut self, file: &str, counts: &Counts) -> io::Result<()> {
        self.bar.finish_and_clear();
        writeln!(self.out, "{file}: {} read, {}", counts.read, outcomes(counts))
    }
}

fn outcomes(counts: &Counts) -> String {
    let Counts { created, already_there, refused, .. } = counts;
    format!("{created} created, {already_there} already there, {refused} refused")
}
