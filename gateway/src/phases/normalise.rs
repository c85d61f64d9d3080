//! Normalise: one spelling of each path, so that the phases after this one, and the services, never see a path
//! that means something else to somebody else. What could (RFC 3986, 6.2.2 has the list) is refused, not
//! repaired.

use actix_web::http::Uri;
use hms_problem::{Code, Problem};

use crate::table::OWN;

/// The prefix of the API, which services see too.
const PREFIX: &str = "/api/v1/";

/// The documents by which OAuth clients find their way (RFC 8615): the auth service has them outside of the API.
const WELL_KNOWN: [&str; 3] = [
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

/// Whom a request is for.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// The gateway itself.
    Own,
    /// A service.
    Api(ApiPath),
}

/// A path of the API in its one spelling: `/api/v1/…` without a slash at its end; or one of the documents that stand
/// outside of it.
#[derive(Debug, PartialEq, Eq)]
pub struct ApiPath(String);

impl ApiPath {
    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first segment after the version, such as `patients`; empty where there is none.
    fn resource(&self) -> &str {
        self.segments().next().unwrap_or_default()
    }

    /// The path with a name for each segment after the resource: a closed set, fit for a label.
    pub fn shape(&self) -> String {
        if self.is_well_known() {
            return self.0.clone();
        }
        let rest = ["", "/{id}", "/{id}/{rest}"];
        let depth = self.segments().skip(1).take(2).count();
        [PREFIX, self.resource(), rest.get(depth).unwrap_or(&"")].concat()
    }

    /// The path from the resource on: `patients/me`.
    pub fn after_version(&self) -> &str {
        self.0.strip_prefix(PREFIX).unwrap_or_default()
    }

    /// Whether it is one of the documents of the auth service that stand outside of the API.
    pub fn is_well_known(&self) -> bool {
        WELL_KNOWN.contains(&self.0.as_str())
    }

    /// Whether clients show themselves here as OAuth has it, by `Basic` (RFC 6749, 2.3.1): the auth service looks at it.
    pub fn takes_client_credentials(&self) -> bool {
        self.resource() == "oauth"
    }

    fn segments(&self) -> impl Iterator<Item = &str> {
        self.after_version().split('/')
    }
}

/// Whom a request is for, by its path; an error where the path has no clear meaning.
pub fn target(uri: &Uri) -> Result<Target, Problem> {
    if uri.query().is_some_and(|query| !query.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(refused("The query holds characters that must be percent-encoded."));
    }
    let path = canonical(uri.path())?;
    if WELL_KNOWN.contains(&path.as_str()) {
        return Ok(Target::Api(ApiPath(path)));
    }
    let (versioned, rest) = match path.strip_prefix("/api") {
        Some("") => (true, "/"),
        Some(rest) if rest.starts_with('/') => (true, rest),
        _ => (false, path.as_str()),
    };
    let (versioned, rest) = match rest.strip_prefix("/v1") {
        Some("") => (true, "/"),
        Some(rest) if rest.starts_with('/') => (true, rest),
        _ => (versioned, rest),
    };
    let rest = rest.trim_start_matches('/');
    let own = OWN.contains(&rest.split('/').next().unwrap_or_default());
    if !versioned || own {
        return Ok(Target::Own);
    }
    let is_whole = path.strip_prefix(PREFIX) == Some(rest);
    Ok(Target::Api(ApiPath(if is_whole { path } else { [PREFIX, rest].concat() })))
}

/// The path with every percent-encoding in one form and without a slash at its end.
fn canonical(raw: &str) -> Result<String, Problem> {
    let inner = raw.strip_prefix('/').ok_or_else(|| refused("The path must begin with a slash."))?;
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let mut path = String::with_capacity(raw.len());
    if inner.is_empty() {
        // `//` is two slashes with nothing between; `/` is the root.
        return if raw == "/" { Ok("/".to_owned()) } else { Err(refused("The path has an empty segment.")) };
    }
    for segment in inner.split('/') {
        // Some servers cut off what follows a semicolon.
        match segment.split(';').next().unwrap_or_default() {
            "" => return Err(refused("The path has an empty segment.")),
            "." | ".." => return Err(refused("The path has a dot segment.")),
            _ => path.push('/'),
        }
        push_segment(&mut path, segment)?;
    }
    Ok(path)
}

fn push_segment(path: &mut String, segment: &str) -> Result<(), Problem> {
    let mut decoded = Vec::new();
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let byte = hex_pair(bytes.next(), bytes.next())?;
                push_decoded(path, byte)?;
                decoded.push(byte);
            }
            _ if is_path_character(byte) => path.push(char::from(byte)),
            _ => return Err(refused("The path holds characters that must be percent-encoded.")),
        }
    }
    // The characters between the encoded ones are ASCII and cannot complete a sequence.
    match std::str::from_utf8(&decoded) {
        Ok(_) => Ok(()),
        Err(_) => Err(refused("The path is not UTF-8.")),
    }
}

fn hex_pair(high: Option<u8>, low: Option<u8>) -> Result<u8, Problem> {
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    let value = digit(high).zip(digit(low)).map(|(high, low)| high * 16 + low);
    let byte = value.and_then(|value| u8::try_from(value).ok());
    byte.ok_or_else(|| refused("The path has a percent sign without two hexadecimal digits."))
}

/// Encoded letters and digits mean themselves; what would be a separator, a dot or another encoding once it is
/// decoded is refused.
fn push_decoded(path: &mut String, byte: u8) -> Result<(), Problem> {
    match byte {
        b'/' | b'\\' => Err(refused("The path has an encoded slash.")),
        b'.' => Err(refused("The path has an encoded dot.")),
        b'%' => Err(refused("The path is encoded twice.")),
        _ if byte.is_ascii_control() => Err(refused("The path has a control character.")),
        _ if is_unreserved(byte) => {
            path.push(char::from(byte));
            Ok(())
        }
        _ => {
            path.push_str(&format!("%{byte:02X}"));
            Ok(())
        }
    }
}

/// RFC 3986, 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986, 3.3: `pchar` without percent-encoding.
fn is_path_character(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
        )
}

fn refused(why: &str) -> Problem {
    Problem::new(Code::InvalidPath).message(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Result<Target, Problem> {
        target(&path.parse().expect(path))
    }

    #[test]
    fn a_path_has_one_spelling() {
        let cases = [
            ("/api/v1/patients", "/api/v1/patients"),
            ("/api/v1/patients/", "/api/v1/patients"),
            ("/api/patients/", "/api/v1/patients"),
            ("/v1/patients", "/api/v1/patients"),
            ("/api/patients/7/", "/api/v1/patients/7"),
            ("/v1/policies/MED-BENEFIT-2024", "/api/v1/policies/MED-BENEFIT-2024"),
            ("/api/v1/p%61tients/m%65", "/api/v1/patients/me"),
            ("/api/patients/%c3%a9?search=%2F..", "/api/v1/patients/%C3%A9"),
            ("/api/patients/a:b@c", "/api/v1/patients/a:b@c"),
            ("/api/v2/patients", "/api/v1/v2/patients"),
            ("/api", "/api/v1/"),
            ("/api/v1/", "/api/v1/"),
            ("/apiary", ""),
            ("/v12/patients", ""),
            ("/patients", ""),
            ("/.well-known/openid-configuration", "/.well-known/openid-configuration"),
            ("/.well-known/jwks.json/", "/.well-known/jwks.json"),
            ("/.well-known/security.txt", ""),
            ("/health", ""),
            ("/", ""),
            ("/api/docs/assets/swagger-ui.css", ""),
            ("/api/schema/", ""),
        ];
        for (path, canonical) in cases {
            let expected =
                if canonical.is_empty() { Target::Own } else { Target::Api(ApiPath(canonical.into())) };
            assert_eq!(of(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn a_path_of_two_meanings_is_refused() {
        for path in [
            "//",
            "//api/patients",
            "/api//patients",
            "/api/patients//",
            "/api/./patients",
            "/api/patients/../accounts",
            "/api/patients/..",
            "/api/patients/%2e%2e/accounts",
            "/api/patients/%2E",
            "/api/patients/..;/accounts",
            "/api/patients/.;x=1",
            "/api/patients/;x=1",
            "/api/patients/.%2e",
            "/api/patients%2faccounts",
            "/api/patients%2Faccounts",
            "/api/patients%5caccounts",
            "/api/patients/%00",
            "/api/patients/%0d%0aX-Evil:1",
            "/api/patients/%7f",
            "/api/patients/%",
            "/api/patients/%4",
            "/api/patients/%zz",
            "/api/patients/%252e",
            "/api/patients/%ff",
            "/api/patients/%c3a",
            "/api/patients/a|b",
            "/api/patients/\"",
            "/health/..",
            "/health//",
        ] {
            assert_eq!(of(path).map_err(|problem| problem.code()), Err(Code::InvalidPath), "{path}");
        }
    }

    #[test]
    fn the_shape_of_a_path_holds_nothing_of_a_person() {
        let shape = |path| match of(path) {
            Ok(Target::Api(path)) => path.shape(),
            other => panic!("{other:?}"),
        };
        assert_eq!(shape("/api/patients/"), "/api/v1/patients");
        assert_eq!(shape("/api/patients/doe"), "/api/v1/patients/{id}");
        assert_eq!(shape("/api/patients/doe/a/b/c"), "/api/v1/patients/{id}/{rest}");
        assert_eq!(shape("/.well-known/jwks.json"), "/.well-known/jwks.json");
    }
}
