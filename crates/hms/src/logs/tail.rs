//! Reading files that are written meanwhile, begin anew when they are full, and come into being.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::line::Line;

/// The files of a folder, each read as far as it was written.
#[derive(Debug)]
pub struct Tail {
    folder: PathBuf,
    files: BTreeMap<String, Reading>,
}

#[derive(Debug)]
struct Reading {
    file: File,
    inode: u64,
    /// The beginning of a line whose end is not yet written.
    rest: Vec<u8>,
}

impl Tail {
    /// Nothing read yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, files: BTreeMap::new() }
    }

    /// The lines that were written since the last time; the first time, all that is kept.
    pub fn read(&mut self) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for program in programs(&self.folder)? {
            let path = self.folder.join(format!("{program}.log"));
            let mut bytes = Vec::new();
            match self.files.get_mut(&program) {
                Some(reading) => reading.go_on(&path, &mut bytes)?,
                None => {
                    let mut reading = Reading::of(&path)?;
                    let before = File::open(self.folder.join(format!("{program}.log.1")));
                    // It is the same file where it began anew just now.
                    if let Ok(mut before) = before
                        && before.metadata()?.ino() != reading.inode
                    {
                        before.read_to_end(&mut bytes)?;
                    }
                    reading.file.read_to_end(&mut bytes)?;
                    self.files.insert(program.clone(), reading);
                }
            }
            if let Some(reading) = self.files.get_mut(&program) {
                lines.extend(reading.lines(bytes, &program));
            }
        }
        Ok(lines)
    }
}

impl Reading {
    fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { inode: file.metadata()?.ino(), file, rest: Vec::new() })
    }

    /// What has come since; where the file has begun anew, the end of the one before comes first.
    fn go_on(&mut self, path: &Path, bytes: &mut Vec<u8>) -> io::Result<()> {
        self.file.read_to_end(bytes)?;
        // It may not be there for the moment in which it is renamed.
        let Ok(present) = fs::metadata(path) else { return Ok(()) };
        if present.ino() != self.inode {
            // What was written between the two looks.
            self.file.read_to_end(bytes)?;
            let next = Self::of(path)?;
            (self.file, self.inode) = (next.file, next.inode);
            self.file.read_to_end(bytes)?;
        }
        Ok(())
    }

    fn lines(&mut self, bytes: Vec<u8>, program: &str) -> Vec<Line> {
        self.rest.extend(bytes);
        let whole = self.rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        let lines = String::from_utf8_lossy(&lines);
        lines.lines().filter_map(|line| Line::read(line, program)).collect()
    }
}

/// The programs that have a file here; none where there is no folder yet.
fn programs(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.strip_suffix(".log").map(str::to_owned)).collect())
}
