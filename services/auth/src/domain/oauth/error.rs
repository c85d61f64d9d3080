//! Errors by the names that OAuth gives them.

use std::borrow::Cow;

use hms_model::coded_enum;

coded_enum! {
    /// What is wrong (RFC 6749, 4.1.2.1 and 5.2; OpenID Connect Core 1.0, 3.1.2.6).
    pub enum ErrorCode {
        /// A parameter is missing, stands there twice, or is malformed.
        InvalidRequest = "invalid_request",
        /// The client is unknown, or did not prove who it is.
        InvalidClient = "invalid_client",
        /// The code or the refresh token is not valid, or another client's.
        InvalidGrant = "invalid_grant",
        /// The client may not use this grant.
        UnauthorizedClient = "unauthorized_client",
        /// There is no such grant here.
        UnsupportedGrantType = "unsupported_grant_type",
        /// A code is the only response.
        UnsupportedResponseType = "unsupported_response_type",
        /// A token of this kind cannot be revoked (RFC 7009, 2.2.1).
        UnsupportedTokenType = "unsupported_token_type",
        /// A scope is unknown, or more than the client may ask for.
        InvalidScope = "invalid_scope",
        /// The account's holder said no, or may not use the client.
        AccessDenied = "access_denied",
        /// Nobody is signed in without being asked.
        LoginRequired = "login_required",
        /// Requests as JWTs are not taken.
        RequestNotSupported = "request_not_supported",
        /// Requests by reference are not taken.
        RequestUriNotSupported = "request_uri_not_supported",
        /// Something went wrong on our side.
        ServerError = "server_error",
        /// It may work in a moment.
        TemporarilyUnavailable = "temporarily_unavailable",
    }
}

/// An error with words for the developer of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub code: ErrorCode,
    /// In words.
    pub description: Cow<'static, str>,
}

impl Refused {
    /// An error.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self { code, description: description.into() }
    }
}
