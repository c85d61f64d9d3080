//! Why there is no going on with a server.

use reqwest::{StatusCode, Url};

/// What is wrong with the server or with who asks, and not with one request.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be one of a gateway.
    #[error("{url} is not an http or https address")]
    Address {
        /// As it was given.
        url: String,
    },
    /// The HTTP client cannot be made.
    #[error("cannot set up the HTTP client: {}", root_cause(source))]
    SetUp {
        /// Why.
        source: reqwest::Error,
    },
    /// Nobody answers there, or no longer.
    #[error("no HMS answers at {url}: {}", root_cause(source))]
    Unreachable {
        /// The gateway.
        url: Url,
        /// What happened to the last try.
        source: reqwest::Error,
    },
    /// The server kept on asking for patience.
    #[error("{url} keeps answering {status}; try again later")]
    Busy {
        /// The gateway.
        url: Url,
        /// Its last answer.
        status: StatusCode,
    },
    /// The user name or the password is wrong.
    #[error("{url} does not know the user name {username} with this password")]
    Credentials {
        /// The gateway.
        url: Url,
        /// Who tried.
        username: String,
    },
    /// The server gave a token and does not take it.
    #[error("{url} refuses the access token that it has just given")]
    Token {
        /// The gateway.
        url: Url,
    },
    /// Something answers, but not as HMS does.
    #[error("{url} does not answer as HMS does: {status} to {path}")]
    NotHms {
        /// The gateway.
        url: Url,
        /// Its answer.
        status: StatusCode,
        /// What was asked for.
        path: String,
    },
    /// The account lacks the right.
    #[error("{username} may not use {path}: {message}")]
    Forbidden {
        /// Who tried.
        username: String,
        /// What was asked for.
        path: String,
        /// What the server says.
        message: String,
    },
}

/// The last in the chain of causes: reqwest itself shows no more than that it could not send.
fn root_cause(error: &reqwest::Error) -> String {
    let first: &dyn std::error::Error = error;
    let chain = std::iter::successors(Some(first), |error| error.source());
    chain.last().map(ToString::to_string).unwrap_or_default()
}
