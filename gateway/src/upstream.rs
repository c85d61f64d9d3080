//! The way to the services: HTTP/1.1 over connections that are kept open, a pool of them in each worker thread,
//! with bodies that stream both ways and are never held.

mod body;
mod download;
pub mod headers;
mod pool;

use std::io;
use std::sync::Arc;

use hms_problem::{Code, Problem};
use http::HeaderValue;
use url::Url;

pub use body::RequestBody;
pub use download::Download;
pub use pool::{Exchanged, Pool};

/// A service as the gateway reaches it.
#[derive(Debug, Clone)]
pub struct Upstream {
    name: String,
    address: Arc<str>,
    host: HeaderValue,
}

impl Upstream {
    /// A service of this name at `url`, which is `http://host` or `http://host:port`.
    pub(crate) fn new(name: &str, url: &str) -> Result<Self, &'static str> {
        if !url.starts_with("http://") {
            return Err("must begin with http://");
        }
        let parsed = Url::parse(url).map_err(|_| "is not a URL")?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("must not hold a user");
        }
        if parsed.path() != "/" || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err("must end after host and port");
        }
        let host = parsed.host_str().ok_or("is not a URL")?;
        let address = format!("{host}:{}", parsed.port_or_known_default().unwrap_or(80));
        let host = HeaderValue::from_str(&address).map_err(|_| "is not a URL")?;
        Ok(Self { name: name.to_owned(), address: address.into(), host })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection could be opened: the service has seen nothing of the request.
    #[error("no connection to the service")]
    Unreachable(#[source] io::Error),
    /// The connection broke, or what came is not HTTP.
    #[error("the service gave no usable answer")]
    Broken(#[source] hyper::Error),
    /// The body of the answer broke off or is too large to be read whole.
    #[error("the answer of the service cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The head of the answer did not come in time.
    #[error("the service did not answer in time")]
    Slow,
    /// The body of the request is over the limit.
    #[error("the body is too large")]
    TooLarge,
    /// The body of the request ended before its end, or is not well formed.
    #[error("the body is not whole")]
    Aborted,
    /// The client stopped sending the body of the request.
    #[error("the body did not arrive in time")]
    Stalled,
}

/// The refusal of a body over the limit.
pub fn too_large(limit: u64) -> Problem {
    Problem::new(Code::PayloadTooLarge).detail("limit_bytes", limit)
}
