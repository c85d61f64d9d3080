//! What came of an import.

use std::io::{self, Write};

use serde::Serialize;

/// The whole outcome.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// One entry a file, in the order in which they were read.
    pub files: Vec<FileReport>,
    /// The rows that are not there now, and why.
    pub refused: Vec<RowReport>,
    /// Rows that were taken over but for a value, and why.
    pub left_out: Vec<RowReport>,
    /// Files of the export that were not read.
    pub not_read: Vec<String>,
}

/// The outcome of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name.
    pub file: &'static str,
    /// How many rows.
    #[serde(flatten)]
    pub counts: Counts,
    /// Its columns that are not used.
    pub not_used: Vec<String>,
}

/// Rows by outcome: each row read is one of the other three.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All rows.
    pub read: u64,
    /// Those that this run brought in.
    pub created: u64,
    /// Those that an earlier run, or an earlier try whose answer was lost, brought in.
    pub already_there: u64,
    /// Those that could not be brought in.
    pub refused: u64,
}

/// Something to say about one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RowReport {
    /// The file.
    pub file: &'static str,
    /// The line in it; the header is line 1.
    pub line: u64,
    /// What there is to say.
    pub reason: String,
}

impl Report {
    /// Whether every row is there now.
    pub fn is_complete(&self) -> bool {
        self.refused.is_empty()
    }

    /// Writes it for people: a table of the counts, then what was not used.
    pub fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        let width = self.files.iter().map(|file| file.file.len()).max().unwrap_or_default();
        writeln!(
            out,
            "\n{:width$}  {:>8}  {:>8}  {:>13}  {:>8}",
            "", "read", "created", "already there", "refused"
        )?;
        for FileReport { file, counts, .. } in &self.files {
            let Counts { read, created, already_there, refused } = counts;
            writeln!(out, "{file:width$}  {read:>8}  {created:>8}  {already_there:>13}  {refused:>8}")?;
        }
        writeln!(out)?;
        for FileReport { file, not_used, .. } in self.files.iter().filter(|file| !file.not_used.is_empty()) {
            writeln!(out, "not used yet: {file}: {}", not_used.join(", "))?;
        }
        if !self.not_read.is_empty() {
            writeln!(out, "not read yet: {}", self.not_read.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_what_was_not_used() {
        let counts = Counts { read: 12, created: 9, already_there: 2, refused: 1 };
        let files =
            vec![FileReport { file: "patients.csv", counts, not_used: vec!["LAT".into(), "LON".into()] }];
        let report = Report { files, not_read: vec!["payers.csv".into()], ..Report::default() };
        let mut text = Vec::new();
        report.write_table(&mut text).unwrap();
        let expected = "
                  read   created  already there   refused
patients.csv        12         9              2         1

not used yet: patients.csv: LAT, LON
not read yet: payers.csv
";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
