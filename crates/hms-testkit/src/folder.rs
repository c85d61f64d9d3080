//! A folder that is gone when the test is.

use std::path::{Path, PathBuf};

use hms_model::Clock;
use hms_model::id::Id;

/// A folder of one's own under the system's temporary one.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes it.
    pub fn new() -> Self {
        let name = format!("hms-test-{}", Id::<()>::new(Clock::system().now()));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _already_gone = std::fs::remove_dir_all(&self.0);
    }
}
