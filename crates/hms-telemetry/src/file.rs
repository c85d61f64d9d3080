//! A log file of bounded size: what is beyond it begins anew, and one older file is kept beside it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing_subscriber::fmt::MakeWriter;

/// The largest a file gets, in bytes.
const MOST: u64 = 16 * 1024 * 1024;

/// The file of one program; clones write to the same. What is written at a time is whole lines, and is not torn.
#[derive(Clone)]
pub struct LogFile(Arc<Mutex<Rotating>>);

struct Rotating {
    path: PathBuf,
    file: File,
    size: u64,
    most: u64,
}

impl LogFile {
    /// `<folder>/<program>.log`, and `<program>.log.1` for what was before; the folder is made, for its owner only.
    pub fn open(folder: &Path, program: &str) -> io::Result<Self> {
        Self::with_most(folder, program, MOST)
    }

    /// The same with files of at most so many bytes.
    pub fn with_most(folder: &Path, program: &str, most: u64) -> io::Result<Self> {
        let path = folder.join(format!("{program}.log"));
        make_folder(folder)?;
        let file = append_to(&path)?;
        let size = file.metadata()?.len();
        Ok(Self(Arc::new(Mutex::new(Rotating { path, file, size, most }))))
    }
}

/// Lines tell who asked for what: they are of no concern to other users of the machine.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn append_to(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

impl Rotating {
    fn turn(&mut self) -> io::Result<()> {
        let mut before = self.path.clone().into_os_string();
        before.push(".1");
        fs::rename(&self.path, before)?;
        self.file = append_to(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut rotating = self.0.lock();
        let length = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if rotating.size > 0 && rotating.size.saturating_add(length) > rotating.most {
            rotating.turn()?;
        }
        rotating.file.write_all(lines)?;
        rotating.size = rotating.size.saturating_add(length);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogFile {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_bounded_and_one_older_one_is_kept() {
        let name = format!("hms-log-file-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let mut file = LogFile::with_most(&folder, "hms-user", 100).unwrap();
        for number in 0..25 {
            writeln!(file, "line {number:04}").unwrap();
        }
        // Ten lines fit into each.
        let (now, before) = (read("hms-user.log"), read("hms-user.log.1"));
        assert_eq!((now.lines().count(), before.lines().count()), (5, 10));
        assert!(before.starts_with("line 0010\n") && now.ends_with("line 0024\n"));
        // It goes on where it was.
        drop(file);
        let mut file = LogFile::with_most(&folder, "hms-user", 100).unwrap();
        writeln!(file, "line 0025").unwrap();
        assert_eq!(read("hms-user.log").lines().count(), 6);
        fs::remove_dir_all(folder).unwrap();
    }
}
