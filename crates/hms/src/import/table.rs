//! CSV files, one record a line.
//!
//! Synthea never breaks a line inside a field, so the lines are taken one by one: a stray quotation mark spoils
//! its own row and not those after it. A BOM and CRLF are as good as none and LF.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder};

use super::unusable::Unusable;

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The folder is not there or is none.
    #[error("there is no folder {dir}")]
    NoFolder {
        /// As it was given.
        dir: String,
    },
    /// A file of the export is missing or cannot be opened.
    #[error("cannot read {file}: {source}")]
    Unreadable {
        /// Its name, with its folder where that says more.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// The first line does not have what is needed.
    #[error("{file}: the header has no column {}", columns.join(", "))]
    MissingColumns {
        /// The file.
        file: &'static str,
        /// The columns that were looked for in vain.
        columns: Vec<&'static str>,
    },
}

/// A table of an export: which file, and the columns that are used of it.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The file's name.
    pub file: &'static str,
    /// The columns that must be there.
    pub columns: &'static [&'static str],
}

/// A row whose fields are as many as the header's, all of them text.
#[derive(Debug, Clone)]
pub struct Row {
    header: Arc<Vec<String>>,
    fields: Vec<String>,
}

impl Row {
    /// The value of a column without the white space around it, if there is any.
    pub fn get(&self, column: &str) -> Option<&str> {
        let index = self.header.iter().position(|name| name == column)?;
        self.fields.get(index).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The value of a column that must have one.
    pub fn need(&self, column: &'static str) -> Result<&str, Unusable> {
        self.get(column).ok_or(Unusable::Empty { column })
    }
}

/// A line of a file and what it holds.
#[derive(Debug)]
pub struct Line {
    /// Its number; the header is line 1.
    pub number: u64,
    /// The row, if it is one.
    pub row: Result<Row, Unusable>,
}

/// A file whose header has been read and found right.
pub struct Table {
    layout: Layout,
    header: Arc<Vec<String>>,
    lines: Box<dyn BufRead + Send>,
    number: u64,
    rows: u64,
}

impl Table {
    /// Opens a file of the export and reads its header.
    pub fn open(dir: &Path, layout: Layout) -> Result<Self, TableError> {
        let path = dir.join(layout.file);
        let failed = |source| TableError::Unreadable { file: path.display().to_string(), source };
        let lines = count_lines(File::open(&path).map_err(failed)?).map_err(failed)?;
        let mut table = Self::read(layout, File::open(&path).map_err(failed)?)?;
        table.rows = lines.saturating_sub(1);
        Ok(table)
    }

    /// Takes the file's text from anywhere.
    pub fn read(layout: Layout, text: impl Read + Send + 'static) -> Result<Self, TableError> {
        let mut lines = BufReader::new(text);
        let mut first = Vec::new();
        lines
            .read_until(b'\n', &mut first)
            .map_err(|source| TableError::Unreadable { file: layout.file.into(), source })?;
        let names = split(&first);
        let header: Vec<_> =
            names.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        let missing =
            layout.columns.iter().copied().filter(|column| !header.iter().any(|name| name == column));
        let missing: Vec<_> = missing.collect();
        if !missing.is_empty() {
            return Err(TableError::MissingColumns { file: layout.file, columns: missing });
        }
        Ok(Self { layout, header: Arc::new(header), lines: Box::new(lines), number: 1, rows: 0 })
    }

    /// The file's name.
    pub fn file(&self) -> &'static str {
        self.layout.file
    }

    /// How many lines follow the header, blank ones included: for the progress bar.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The columns of the file that are not used.
    pub fn unused(&self) -> Vec<String> {
        self.header.iter().filter(|name| !self.layout.columns.contains(&name.as_str())).cloned().collect()
    }

    /// The next line that is not blank.
    fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        while self.lines.read_until(b'\n', &mut line)? > 0 {
            self.number = self.number.saturating_add(1);
            if !line.trim_ascii().is_empty() {
                let row = self.row(&split(&line));
                return Ok(Some(Line { number: self.number, row }));
            }
            line.clear();
        }
        Ok(None)
    }

    fn row(&self, record: &ByteRecord) -> Result<Row, Unusable> {
        if record.iter().next_back().is_some_and(|last| last.ends_with(b"\n")) {
            return Err(Unusable::OpenQuote);
        }
        if record.len() != self.header.len() {
            return Err(Unusable::FieldCount { expected: self.header.len(), found: record.len() });
        }
        let fields = record.iter().zip(self.header.iter()).map(|(field, column)| {
            let text = str::from_utf8(field).map_err(|_| Unusable::NotUtf8 { column: column.clone() })?;
            Ok(text.to_owned())
        });
        Ok(Row { header: Arc::clone(&self.header), fields: fields.collect::<Result<_, _>>()? })
    }
}

impl Iterator for Table {
    type Item = Result<Line, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let failed = |source| TableError::Unreadable { file: self.layout.file.into(), source };
        self.next_line().map_err(failed).transpose()
    }
}

/// The fields of one line. The line break at its end is in none of them, unless a quotation mark was left open.
fn split(line: &[u8]) -> ByteRecord {
    let line = line.trim_ascii_end().chain(&b"\n"[..]);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line);
    let mut record = ByteRecord::new();
    // Reading from memory cannot fail, and what is wrong with the fields is seen when they are counted.
    let _ = reader.read_byte_record(&mut record);
    record
}

fn count_lines(text: impl Read) -> io::Result<u64> {
    let mut text = BufReader::new(text);
    let (mut lines, mut line) = (0_u64, Vec::new());
    while text.read_until(b'\n', &mut line)? > 0 {
        lines = lines.saturating_add(1);
        line.clear();
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout { file: "things.csv", columns: &["Id", "NAME"] };

    fn table(text: &'static [u8]) -> Table {
        Table::read(LAYOUT, text).unwrap()
    }

    fn rows(text: &'static [u8]) -> Vec<(u64, Result<Vec<String>, String>)> {
        let read = |line: Result<Line, TableError>| {
            let line = line.unwrap();
            (line.number, line.row.map(|row| row.fields).map_err(|reason| reason.to_string()))
        };
        table(text).map(read).collect()
    }

    fn fields<const N: usize>(fields: [&str; N]) -> Result<Vec<String>, String> {
        Ok(fields.map(String::from).to_vec())
    }

    #[test]
    fn a_bom_crlf_blank_lines_and_a_missing_last_line_break_change_nothing() {
        let plain = rows(b"Id,NAME\n1,Ann\n2,Bo\n");
        assert_eq!(plain, [(2, fields(["1", "Ann"])), (3, fields(["2", "Bo"]))]);
        assert_eq!(rows(b"\xEF\xBB\xBFId,NAME\r\n1,Ann\r\n2,Bo"), plain);
        assert_eq!(rows(b"Id,NAME\n\n1,Ann\n"), [(3, fields(["1", "Ann"]))]);
    }

    #[test]
    fn a_bad_row_spoils_no_other() {
        let read = rows(b"Id,NAME\n1\n2,\xFF\n3,\"Ann,\n4,a,b\n5,\"Lee, Ann\"\n");
        let wrong = |found| Err(format!("has {found} fields where the header has 2"));
        assert_eq!(read[0], (2, wrong(1)));
        assert_eq!(read[1], (3, Err("NAME is not UTF-8".into())));
        assert_eq!(read[2], (4, Err("a quotation mark is never closed".into())));
        assert_eq!(read[3], (5, wrong(3)));
        assert_eq!(read[4], (6, fields(["5", "Lee, Ann"])));
    }

    #[test]
    fn the_header_must_have_what_is_used_and_the_rest_is_told() {
        let error = Table::read(LAYOUT, &b"Key,NAME\n"[..]).err().unwrap();
        assert_eq!(error.to_string(), "things.csv: the header has no column Id");
        let error = Table::read(LAYOUT, &b""[..]).err().unwrap();
        assert_eq!(error.to_string(), "things.csv: the header has no column Id, NAME");
        assert_eq!(table(b"LAT,NAME,Id,LON\n").unused(), ["LAT", "LON"]);
    }

    #[test]
    fn white_space_alone_is_no_value() {
        let row = table(b"Id,NAME\n 1 ,  \n").next().unwrap().unwrap().row.unwrap();
        assert_eq!(row.need("Id"), Ok("1"));
        assert_eq!(row.need("NAME"), Err(Unusable::Empty { column: "NAME" }));
    }
}
