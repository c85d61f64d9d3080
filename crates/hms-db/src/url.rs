//! Where a database is. A URL may hold a password, so it is shown without.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::Backend;

/// `sqlite://PATH` (relative, or absolute with a third slash) or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, as
/// [libpq](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS) reads it. Neither
/// `Debug` nor `Display` shows a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Place);

#[derive(Clone, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Server(Server),
}

/// `postgres://<user>:<password>@<host>/<database>?<parameters>`, each part as it was written.
#[derive(Clone, PartialEq, Eq)]
struct Server {
    user: Option<String>,
    password: Option<String>,
    host: String,
    database: Option<String>,
    parameters: Vec<(String, String)>,
}

/// Why a text is not the URL of a database. Shows nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("must begin with sqlite:// or postgres://")]
    Scheme,
    /// `sqlite://` without a file.
    #[error("names no file: a database in memory is not supported")]
    NoFile,
    /// `sqlite://…?…`.
    #[error("sqlite:// takes no parameters")]
    Parameters,
    /// More than one `@`, or one behind the host.
    #[error("the characters @ and / in a user name or password must be percent-encoded")]
    Ambiguous,
}

impl DatabaseUrl {
    /// A file.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Place::File(path.into()))
    }

    /// Which database it is.
    pub fn backend(&self) -> Backend {
        match self.0 {
            Place::File(_) => Backend::Sqlite,
            Place::Server(_) => Backend::Postgres,
        }
    }

    /// Another database at the same place: on the same server, or the file `<name>.db` in the same folder.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        match &self.0 {
            Place::File(path) => Self::sqlite(path.with_file_name(format!("{name}.db"))),
            Place::Server(server) => {
                Self(Place::Server(Server { database: Some(percent_encode(name)), ..server.clone() }))
            }
        }
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Place::File(path) => Some(path),
            Place::Server(_) => None,
        }
    }

    /// The whole URL with its password, to connect or to hand on as a setting: look twice at every call.
    pub fn expose(&self) -> String {
        match &self.0 {
            Place::File(path) => format!("sqlite://{}", path.display()),
            Place::Server(server) => server.text(|password| password),
        }
    }

    /// The name of the database on the server, where one is given.
    pub(crate) fn database(&self) -> Option<String> {
        match &self.0 {
            Place::File(_) => None,
            Place::Server(server) => server.database.as_deref().map(percent_decode),
        }
    }

    /// The same URL with parameters for libpq, where it does not set them itself.
    pub(crate) fn with_defaults(&self, defaults: &[(&str, String)]) -> Self {
        let mut url = self.clone();
        if let Place::Server(server) = &mut url.0 {
            for (name, value) in defaults {
                if !server.parameters.iter().any(|(known, _)| known == name) {
                    server.parameters.push(((*name).to_owned(), percent_encode(value)));
                }
            }
        }
        url
    }
}

impl FromStr for DatabaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            return file(path).map(|path| Self(Place::File(path)));
        }
        if text.starts_with("sqlite:") {
            return Err(UrlError::NoFile);
        }
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        Server::parse(rest.ok_or(UrlError::Scheme)?).map(|server| Self(Place::Server(server)))
    }
}

fn file(path: &str) -> Result<PathBuf, UrlError> {
    match path {
        "" | ":memory:" => Err(UrlError::NoFile),
        _ if path.contains('?') => Err(UrlError::Parameters),
        _ if path.ends_with('/') => Err(UrlError::NoFile),
        _ => Ok(PathBuf::from(path)),
    }
}

impl Server {
    fn parse(text: &str) -> Result<Self, UrlError> {
        let (credentials, rest) = match text.split_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, text),
        };
        if rest.contains('@') || credentials.is_some_and(|credentials| credentials.contains('/')) {
            return Err(UrlError::Ambiguous);
        }
        let (user, password) = match credentials.map(|both| both.split_once(':').ok_or(both)) {
            Some(Ok((user, password))) => (Some(user.to_owned()), Some(password.to_owned())),
            Some(Err(user)) => (Some(user.to_owned()), None),
            None => (None, None),
        };
        let (address, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, database) = address.split_once('/').unwrap_or((address, ""));
        Ok(Self {
            user,
            password,
            host: host.to_owned(),
            database: (!database.is_empty()).then(|| database.to_owned()),
            parameters: parameters.split('&').filter(|one| !one.is_empty()).map(parameter).collect(),
        })
    }

    /// The URL, each secret in it as `show` gives it.
    fn text<'a>(&'a self, show: impl Fn(&'a str) -> &'a str) -> String {
        let mut text = String::from("postgres://");
        if let Some(user) = &self.user {
            text.push_str(user);
            if let Some(password) = &self.password {
                text.push(':');
                text.push_str(show(password));
            }
            text.push('@');
        }
        text.push_str(&self.host);
        if let Some(database) = &self.database {
            text.push('/');
            text.push_str(database);
        }
        let mut mark = '?';
        for (name, value) in &self.parameters {
            let value = if name.ends_with("password") { show(value) } else { value };
            text.push(mark);
            text.push_str(name);
            text.push('=');
            text.push_str(value);
            mark = '&';
        }
        text
    }
}

fn parameter(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.to_owned(), value.to_owned())
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(path) => write!(f, "sqlite://{}", path.display()),
            Place::Server(server) => f.write_str(&server.text(|_| "***")),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// RFC 3986: all but the unreserved characters.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(b'%');
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        let cases = [
            ("sqlite://data/auth.db", Backend::Sqlite, "sqlite://data/auth.db"),
            ("sqlite:///var/lib/hms/auth.db", Backend::Sqlite, "sqlite:///var/lib/hms/auth.db"),
            ("postgres://h/d", Backend::Postgres, "postgres://h/d"),
            ("postgresql://u@h:5432/d", Backend::Postgres, "postgres://u@h:5432/d"),
            ("postgres://u:s3cret@h:5432/d", Backend::Postgres, "postgres://u:***@h:5432/d"),
            ("postgres://u:s3cret?:@h/d", Backend::Postgres, "postgres://u:***@h/d"),
            (
                "postgres://u:s3cret@a:1,b:2/d?sslmode=require",
                Backend::Postgres,
                "postgres://u:***@a:1,b:2/d?sslmode=require",
            ),
            (
                "postgres:///d?host=/run/pg&password=s3cret",
                Backend::Postgres,
                "postgres:///d?host=/run/pg&password=***",
            ),
            (
                "postgres://u:s3cret@h?sslpassword=s3cret",
                Backend::Postgres,
                "postgres://u:***@h?sslpassword=***",
            ),
        ];
        for (text, backend, shown) in cases {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.backend(), backend, "{text}");
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(format!("{url:?}"), format!("DatabaseUrl({shown})"));
            assert_eq!(url.expose(), text.replace("postgresql://", "postgres://"), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_without_being_shown() {
        let cases = [
            ("", UrlError::Scheme),
            ("mysql://u:s3cret@h/d", UrlError::Scheme),
            ("data/auth.db", UrlError::Scheme),
            ("sqlite::memory:", UrlError::NoFile),
            ("sqlite://:memory:", UrlError::NoFile),
            ("sqlite://", UrlError::NoFile),
            ("sqlite://data/", UrlError::NoFile),
            ("sqlite://a.db?mode=ro", UrlError::Parameters),
            ("postgres://u:s3@cret@h/d", UrlError::Ambiguous),
            ("postgres://u:s3/cret@h/d", UrlError::Ambiguous),
        ];
        for (text, expected) in cases {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("s3"), "{text}");
        }
    }

    #[test]
    fn another_database_at_the_same_place() {
        let cases = [
            ("postgres://u:p@h:1/a?sslmode=require", "auth_db", "postgres://u:p@h:1/auth_db?sslmode=require"),
            ("postgres://u:p@h", "auth_db", "postgres://u:p@h/auth_db"),
            ("postgres://h/a", "böse/db", "postgres://h/b%C3%B6se%2Fdb"),
            ("sqlite://data/a.db", "auth", "sqlite://data/auth.db"),
        ];
        for (text, name, expected) in cases {
            let url = text.parse::<DatabaseUrl>().unwrap().with_database(name);
            assert_eq!(url.expose(), expected);
            if url.backend() == Backend::Postgres {
                assert_eq!(url.database().as_deref(), Some(name));
            }
        }
    }

    #[test]
    fn a_parameter_of_the_url_wins_over_the_default() {
        let url: DatabaseUrl = "postgres://h/d?connect_timeout=9".parse().unwrap();
        let url = url.with_defaults(&[("connect_timeout", "2".into()), ("application_name", "a b".into())]);
        assert_eq!(url.expose(), "postgres://h/d?connect_timeout=9&application_name=a%20b");
    }
}
