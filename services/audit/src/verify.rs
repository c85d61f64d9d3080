//! Checking a chain that lies in a database or in an exported file, without a running service.

use std::io::{self, BufRead, Read};

use hms_db::Database;

use crate::domain::chain::{Place, PublicKey, Record, Report, Verifier};
use crate::store::walk::{self, WalkError};

/// The longest line of an export that is read.
const LONGEST_LINE: u64 = 64 << 20;

/// A file that cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It does not begin as an export does.
    #[error("this is no export of the audit")]
    NoExport,
    /// It cannot be read.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
}

/// Checks the chain of a database, and what its entries are found by; only reads. Trusts these keys, or those of the
/// database where none is given. `noted` is a place of the chain that was written down earlier.
pub async fn database(
    database: &Database,
    trusted: Option<Vec<PublicKey>>,
    noted: Option<Place>,
) -> hms_db::Result<Report> {
    let work = move |db: &mut hms_db::Db| {
        walk::snapshot(db, |db| {
            let mut verifier = Verifier::new(trusted, noted);
            let (beginning, mut walk) = walk::check(db)?;
            let mut going = beginning.into_iter().all(|record| verifier.take(record));
            while going && let Some(records) = walk.next(db).map_err(database_error)? {
                going = records.into_iter().all(|record| verifier.take(record));
            }
            Ok(verifier.finish())
        })
    };
    database.read(work).await
}

fn database_error(error: WalkError) -> hms_db::Error {
    match error {
        WalkError::Database(error) => error,
        WalkError::Pruned => hms_db::Error::Busy,
    }
}

/// Checks an export, line by line. Trusts these keys, or those of the file where none is given.
pub fn file(
    reader: impl BufRead,
    trusted: Option<Vec<PublicKey>>,
    noted: Option<Place>,
) -> Result<Report, FileError> {
    let mut verifier = Verifier::new(trusted, noted);
    let mut lines = Lines { reader, line: Vec::new(), number: 0 };
    let Some(Ok(start @ Record::Start(_))) = lines.next()? else { return Err(FileError::NoExport) };
    let mut going = verifier.take(start);
    while going && let Some(record) = lines.next()? {
        going = match record {
            Ok(record) => verifier.take(record),
            Err(Unreadable { whole: true }) => {
                verifier.take_unreadable(&format!("the line {} of the file cannot be read", lines.number))
            }
            // The rest was cut off, which the end of the chain will show.
            Err(Unreadable { whole: false }) => false,
        };
    }
    Ok(verifier.finish())
}

struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
}

/// A line that is no record.
struct Unreadable {
    /// Whether it has its line feed.
    whole: bool,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> io::Result<Option<Result<Record, Unreadable>>> {
        self.line.clear();
        self.number += 1;
        if (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        let whole = self.line.ends_with(b"\n");
        let text = std::str::from_utf8(&self.line).ok();
        let record = text.and_then(|text| Record::parse(text).ok());
        Ok(Some(record.ok_or(Unreadable { whole })))
    }
}
