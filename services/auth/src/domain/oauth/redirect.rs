//! Where an authorization may be sent: only to what was registered, letter by letter (RFC 9700, 4.1.3), except for the
//! port of a program on the user's own machine, which it learns when it starts (RFC 8252, 7.3).

use std::fmt;
use std::str::FromStr;

use hms_model::Invalid;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

const LONGEST: usize = 2_000;

/// A redirect URI as it was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

impl FromStr for RedirectUri {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = |reason: &str| Err(Invalid(reason.to_owned()));
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("must be at most 2,000 visible ASCII characters");
        }
        let Ok(url) = Url::parse(text) else { return wrong("must be an absolute URI") };
        if url.fragment().is_some() {
            return wrong("must have no fragment");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("must not hold a user");
        }
        match url.scheme() {
            "https" => Ok(Self(text.to_owned())),
            "http" if is_this_machine(&url) => Ok(Self(text.to_owned())),
            "http" => wrong("must begin with https://; http:// is for 127.0.0.1, [::1] and localhost only"),
            // RFC 8252, 7.1: a domain of one's own in reverse; `javascript` and its like have no dot.
            scheme if scheme.contains('.') => Ok(Self(text.to_owned())),
            _ => wrong("must begin with https://, or with a private-use scheme such as com.example.app:"),
        }
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_this_machine(url: &Url) -> bool {
    is_loopback_address(url) || url.host() == Some(Host::Domain("localhost"))
}

fn is_loopback_address(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    }
}

impl RedirectUri {
    /// Whether a request may name this URI.
    pub fn admits(&self, given: &str) -> bool {
        self.0 == given || self.admits_port_of(given).unwrap_or(false)
    }

    /// Both the same but for the port, on a loopback address. What is compared is the text around the port, so that no
    /// two spellings of one URI are taken for equal.
    fn admits_port_of(&self, given: &str) -> Option<bool> {
        let (own, other) = (Url::parse(&self.0).ok()?, Url::parse(given).ok()?);
        let loopback = own.scheme() == "http" && is_loopback_address(&own) && own.host() == other.host();
        let valid = given.parse::<Self>().is_ok();
        Some(loopback && valid && without_port(&self.0)? == without_port(given)?)
    }

    /// What a page must name so that a browser may follow the redirect from its form (CSP `form-action`).
    pub fn form_action(given: &str) -> Option<String> {
        let url = Url::parse(given).ok()?;
        match url.scheme() {
            "http" | "https" => Some(url.origin().ascii_serialization()),
            scheme => Some(format!("{scheme}:")),
        }
    }

    /// The URI with these parameters added to its query.
    pub fn with(given: &str, parameters: &[(&str, &str)]) -> Option<String> {
        let mut url = Url::parse(given).ok()?;
        url.query_pairs_mut().extend_pairs(parameters);
        Some(url.into())
    }
}

/// `http://127.0.0.1:5000/cb` without `:5000`: what stands before and after it.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end)?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    Some((host, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_registered() {
        let cases = [
            ("https://app.example/callback", true),
            ("https://app.example/callback?a=b", true),
            ("https://app.example:8443/", true),
            ("http://127.0.0.1/callback", true),
            ("http://127.0.0.1:4711/callback", true),
            ("http://[::1]/callback", true),
            ("http://localhost:3000/callback", true),
            ("com.example.app:/callback", true),
            ("http://app.example/callback", false),
            ("http://127.0.0.1.example/callback", false),
            ("https://app.example/callback#part", false),
            ("https://me:pw@app.example/", false),
            ("javascript:alert(1)", false),
            ("data:text/html,hello", false),
            ("myapp:/callback", false),
            ("/callback", false),
            ("app.example/callback", false),
            ("https://app.example/a b", false),
            ("https://äpp.example/", false),
            ("", false),
        ];
        for (uri, right) in cases {
            assert_eq!(uri.parse::<RedirectUri>().is_ok(), right, "{uri}");
        }
    }

    #[test]
    fn a_request_names_what_was_registered() {
        let cases = [
            ("https://app.example/cb", "https://app.example/cb", true),
            ("https://app.example/cb", "https://app.example/cb/", false),
            ("https://app.example/cb", "https://app.example/CB", false),
            ("https://app.example/cb", "https://app.example:443/cb", false),
            ("https://app.example/cb", "https://APP.example/cb", false),
            ("https://app.example/cb", "https://app.example/cb?x=1", false),
            ("https://app.example/cb", "https://app.example/cb#x", false),
            ("https://app.example/cb", "https://app.example.evil.example/cb", false),
            ("https://app.example/cb", "https://app.example@evil.example/cb", false),
            ("https://app.example/cb", "http://app.example/cb", false),
            ("https://app.example/cb", "https://app.example/a/../cb", false),
            ("https://app.example/cb?a=b", "https://app.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:51004/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1/cb", true),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x=1", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/x/../cb", false),
            ("http://127.0.0.1/cb", "http://127.1:51004/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.2:51004/cb", false),
            ("http://127.0.0.1/cb", "http://[::1]:51004/cb", false),
            ("http://127.0.0.1/cb", "http://me@127.0.0.1:51004/cb", false),
            ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", false),
            ("http://[::1]/cb", "http://[::1]:51004/cb", true),
            ("http://[::1]/cb", "http://[::1]/cb", true),
            // A name can be made to lead elsewhere (RFC 8252, 8.3).
            ("http://localhost/cb", "http://localhost:51004/cb", false),
            ("http://localhost:3000/cb", "http://localhost:3000/cb", true),
            ("com.example.app:/cb", "com.example.app:/cb", true),
            ("com.example.app:/cb", "com.example.app:/other", false),
        ];
        for (registered, given, admitted) in cases {
            let uri: RedirectUri = registered.parse().unwrap();
            assert_eq!(uri.admits(given), admitted, "{registered} and {given}");
        }
    }

    #[test]
    fn the_answer_is_added_to_the_query() {
        let with = |uri| RedirectUri::with(uri, &[("code", "a b"), ("iss", "https://hms.example")]).unwrap();
        assert_eq!(
            with("https://app.example/cb"),
            "https://app.example/cb?code=a+b&iss=https%3A%2F%2Fhms.example"
        );
        assert_eq!(
            with("com.example.app:/cb?a=b"),
            "com.example.app:/cb?a=b&code=a+b&iss=https%3A%2F%2Fhms.example"
        );
        assert_eq!(RedirectUri::form_action("https://app.example/cb").unwrap(), "https://app.example");
        assert_eq!(RedirectUri::form_action("http://127.0.0.1:5000/cb").unwrap(), "http://127.0.0.1:5000");
        assert_eq!(RedirectUri::form_action("com.example.app:/cb").unwrap(), "com.example.app:");
    }
}
