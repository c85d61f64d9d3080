//! Files that hold one secret.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use hms_model::Secret;

/// Writes the file whole or not at all, for the owner alone to read, and never over one that is there: of several
/// processes that do this at once one succeeds.
///
/// # Errors
/// `AlreadyExists`, and what else becomes of files.
pub fn write_once(file: &Path, secret: &Secret) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let suffix = u64::from_le_bytes(crate::random().map_err(io::Error::other)?);
    let draft = file.with_extension(format!("draft-{suffix:016x}"));
    let mut written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let outcome = written
        .write_all(secret.expose().as_bytes())
        .and_then(|()| written.sync_all())
        // Unlike a rename, a link fails where there is a file of that name already.
        .and_then(|()| fs::hard_link(&draft, file))
        .and_then(|()| fs::File::open(folder)?.sync_all());
    fs::remove_file(&draft)?;
    outcome
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt as _;

    use hms_testkit::Folder;

    use super::*;

    #[test]
    fn the_first_one_stays_and_nothing_is_left_beside_it() {
        let folder = Folder::new();
        let file = folder.path().join("below").join("secret");
        write_once(&file, &Secret::new("one")).unwrap();
        let again = write_once(&file, &Secret::new("two")).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}
