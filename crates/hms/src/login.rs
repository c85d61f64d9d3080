//! Where the platform is, and who signs in there: the same for every command that speaks to a running platform.

use std::io;
use std::path::{Path, PathBuf};

use hms_model::{Secret, service};
use hms_settings::{SettingError, Settings};

use crate::client::Credentials;

/// The arguments that say where the platform is and who signs in.
#[derive(Debug, Default, clap::Args)]
pub struct LoginArgs {
    /// The gateway [default: http://127.0.0.1:8080, the port moved by HMS_PORT_OFFSET].
    #[arg(long, global = true)]
    pub url: Option<String>,
    /// Who signs in: the user name or e-mail address of an admin [default: HMS_ADMIN_EMAIL or admin@hms.local].
    #[arg(long, global = true)]
    pub username: Option<String>,
    /// A file with the password [default: HMS_ADMIN_PASSWORD, else the file admin-password in HMS_DATA_DIR].
    #[arg(long, global = true)]
    pub password_file: Option<PathBuf>,
}

/// Where to sign in, and as whom.
#[derive(Debug, Clone)]
pub struct Login {
    /// The gateway.
    pub url: String,
    /// Who signs in.
    pub credentials: Credentials,
}

/// Why arguments and settings do not suffice to sign in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// There is no password.
    #[error("cannot read the password from {file}: {source}; set HMS_ADMIN_PASSWORD or give --password-file")]
    PasswordFile {
        /// Where it was looked for.
        file: String,
        /// Why it cannot be read.
        source: io::Error,
    },
}

impl LoginArgs {
    /// What the arguments leave open, the settings say.
    pub fn complete(self, settings: &Settings) -> Result<Login, LoginError> {
        let username = self.username.or_else(|| settings.get("HMS_ADMIN_EMAIL"));
        let username = username.unwrap_or_else(|| "admin@hms.local".into());
        let password = password(self.password_file.as_deref(), settings)?;
        let url = match self.url {
            Some(url) => url,
            None => format!("http://127.0.0.1:{}", settings.port(service::GATEWAY_PORT)?),
        };
        Ok(Login { url, credentials: Credentials { username, password } })
    }
}

fn password(file: Option<&Path>, settings: &Settings) -> Result<Secret, LoginError> {
    if let (None, Some(password)) = (file, settings.get("HMS_ADMIN_PASSWORD")) {
        return Ok(Secret::new(password));
    }
    let data = settings.get("HMS_DATA_DIR").unwrap_or_else(|| "data".into());
    let file = file.map_or_else(|| Path::new(&data).join("admin-password"), Path::to_path_buf);
    let text = std::fs::read_to_string(&file)
        .map_err(|source| LoginError::PasswordFile { file: file.display().to_string(), source })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stand_in_for_what_the_arguments_leave_open() {
        let settings = Settings::from_pairs([
            ("HMS_ADMIN_EMAIL", "boss@example.org"),
            ("HMS_ADMIN_PASSWORD", "from the setting"),
            ("HMS_PORT_OFFSET", "100"),
        ]);
        let login = LoginArgs::default().complete(&settings).unwrap();
        assert_eq!(login.url, "http://127.0.0.1:8180");
        assert_eq!(login.credentials.username, "boss@example.org");
        assert_eq!(login.credentials.password, Secret::new("from the setting"));
    }

    #[test]
    fn a_password_file_that_is_named_wins_over_the_setting() {
        let file = std::env::temp_dir().join(format!("hms-login-password-{}", std::process::id()));
        std::fs::write(&file, " from the file \r\n").unwrap();
        let settings = Settings::from_pairs([("HMS_ADMIN_PASSWORD", "from the setting")]);
        let read = password(Some(&file), &settings);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(read.unwrap(), Secret::new(" from the file "));
    }

    #[test]
    fn without_any_password_the_place_it_was_looked_for_is_named() {
        let error = password(None, &Settings::from_pairs([("HMS_DATA_DIR", "/no/such/place")])).unwrap_err();
        assert!(error.to_string().contains("/no/such/place/admin-password"), "{error}");
    }
}
