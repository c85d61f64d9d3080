//! The one key of a service.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hms_model::Secret;
use hms_settings::Settings;
use ring::hkdf::{HKDF_SHA256, Salt};

use crate::{random, write_once};

/// The bytes of a key.
pub const KEY_BYTES: usize = 32;

/// A key that all replicas of a service share. Debug does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnKey([u8; KEY_BYTES]);

impl OwnKey {
    /// From the setting of this name (32 bytes in base64) or from the file that `<name>_FILE` names, else from `file`,
    /// which is made when it is not there.
    ///
    /// # Errors
    /// Both settings are there; a file cannot be read or made; it is not 32 bytes in base64. No error shows the key.
    pub fn open(settings: &Settings, name: &str, file: &Path) -> anyhow::Result<Self> {
        let named = format!("{name}_FILE");
        let text = match (settings.get(name), settings.get(&named)) {
            (Some(_), Some(_)) => bail!("{name} and {named} are both set: one of them is enough"),
            (Some(text), None) => text,
            (None, Some(file)) => {
                fs::read_to_string(&file).with_context(|| format!("{named}: {file} cannot be read"))?
            }
            (None, None) => own_file(file)?,
        };
        let text = text.trim();
        let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        let key =
            bytes.with_context(|| format!("{name} must be 32 bytes in base64: openssl rand -base64 32"))?;
        Ok(Self(key))
    }

    /// A key of these bytes.
    pub fn of(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes: look twice at every call.
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// The key for one use that follows from this one (RFC 5869).
    ///
    /// # Errors
    /// None in practice: the length is one that HKDF gives.
    pub fn for_use(&self, what_for: &str) -> anyhow::Result<Self> {
        let mut derived = [0; KEY_BYTES];
        let info = [what_for.as_bytes()];
        let secret = Salt::new(HKDF_SHA256, &[]).extract(&self.0);
        let filled = secret.expand(&info, HKDF_SHA256).and_then(|okm| okm.fill(&mut derived));
        filled.ok().context("no key follows from this one")?;
        Ok(Self(derived))
    }
}

impl std::fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnKey(…)")
    }
}

/// What the file holds; made with 32 random bytes when there is none. Of several processes that do this at once one
/// makes it, and all read the same.
fn own_file(file: &Path) -> anyhow::Result<String> {
    if !file.exists() {
        match write_once(file, &Secret::new(STANDARD.encode(random::<KEY_BYTES>()?))) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("{} cannot be written", file.display()));
            }
            _ => {}
        }
    }
    fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

#[cfg(test)]
mod tests {
    use hms_testkit::Folder;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new();
        let file = folder.path().join("own-key");
        let open = || OwnKey::open(&Settings::default(), "HMS_A_KEY", &file).unwrap();
        assert_eq!(open(), open());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let other = OwnKey::open(&Settings::default(), "HMS_A_KEY", &folder.path().join("other")).unwrap();
        assert_ne!(open(), other);
    }

    #[test]
    fn it_is_taken_from_one_setting_or_the_file_that_the_other_names() {
        let folder = Folder::new();
        let (file, own) = (folder.path().join("mounted"), folder.path().join("own-key"));
        // Both alphabets, since other programs write keys in either.
        let (key, text) = (OwnKey::of([0xfb; KEY_BYTES]), STANDARD.encode([0xfb; KEY_BYTES]));
        fs::write(&file, format!("{}\n", URL_SAFE_NO_PAD.encode([0xfb; KEY_BYTES]))).unwrap();
        let file = file.display().to_string();
        let open = |pairs: &[(&str, &str)]| {
            OwnKey::open(&Settings::default().with(pairs.iter().copied()), "HMS_A_KEY", &own)
        };
        assert_eq!(open(&[("HMS_A_KEY", &text)]).unwrap(), key);
        assert_eq!(open(&[("HMS_A_KEY_FILE", &file)]).unwrap(), key);
        assert!(!own.exists());
        let short = STANDARD.encode([1; 31]);
        for (pairs, part) in [
            (vec![("HMS_A_KEY", text.as_str()), ("HMS_A_KEY_FILE", &file)], "both set"),
            (vec![("HMS_A_KEY_FILE", "/nowhere")], "HMS_A_KEY_FILE: /nowhere cannot be read"),
            (vec![("HMS_A_KEY", "short")], "32 bytes"),
            (vec![("HMS_A_KEY", &short)], "32 bytes"),
        ] {
            let error = open(&pairs).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains(&short), "{error}");
        }
        assert_eq!(format!("{key:?}"), "OwnKey(…)");
    }

    #[test]
    fn each_use_has_a_key_of_its_own() {
        let (one, two) = (OwnKey::of([1; KEY_BYTES]), OwnKey::of([2; KEY_BYTES]));
        assert_eq!(one.for_use("this").unwrap(), one.for_use("this").unwrap());
        assert_ne!(one.for_use("this").unwrap(), one.for_use("that").unwrap());
        assert_ne!(one.for_use("this").unwrap(), two.for_use("this").unwrap());
    }
}
