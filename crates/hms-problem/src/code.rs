//! The table of error codes: code, status, meaning. Clients decide by the code; it never changes its meaning.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($name:ident $code:literal $status:ident $meaning:literal;)+) => {
        /// What can be wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $name),+ }

        /// Every code, in the order of the table.
        pub const CODES: &[Code] = &[$(Code::$name),+];

        impl Code {
            /// The code as clients read it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The HTTP status that goes with it (RFC 9110).
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// What it means, in words for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),+ }
            }
        }
    };
}

codes! {
    InvalidRequest "INVALID_REQUEST" BAD_REQUEST "The request cannot be read as what it should be.";
    MalformedJson "MALFORMED_JSON" BAD_REQUEST "The body is not JSON.";
    InvalidPath "INVALID_PATH" BAD_REQUEST "The path of the request is not well formed.";
    UnknownFilter "UNKNOWN_FILTER" BAD_REQUEST "The list knows no such filter.";
    Unauthenticated "UNAUTHENTICATED" UNAUTHORIZED "A valid access token is needed.";
    TokenExpired "TOKEN_EXPIRED" UNAUTHORIZED "The token is no longer valid.";
    InvalidCredentials "INVALID_CREDENTIALS" UNAUTHORIZED "The user name or the password is wrong.";
    CodeWrong "CODE_WRONG" UNAUTHORIZED "The code is wrong or was used before.";
    SignInAgain "SIGN_IN_AGAIN" FORBIDDEN "This asks for the password, or for a sign-in of the last minutes.";
    EmailNotVerified "EMAIL_NOT_VERIFIED" FORBIDDEN "The e-mail address of the account is not verified yet.";
    Forbidden "FORBIDDEN" FORBIDDEN "The token does not allow this.";
    NotFound "NOT_FOUND" NOT_FOUND "There is no such record.";
    RouteNotFound "ROUTE_NOT_FOUND" NOT_FOUND "There is no such route.";
    MethodNotAllowed "METHOD_NOT_ALLOWED" METHOD_NOT_ALLOWED "The route does not know this method.";
    NotAcceptable "NOT_ACCEPTABLE" NOT_ACCEPTABLE "None of the accepted forms can be given.";
    RequestTimeout "REQUEST_TIMEOUT" REQUEST_TIMEOUT "The request did not arrive in time.";
    Duplicate "DUPLICATE" CONFLICT "There is one already.";
    SlotTaken "SLOT_TAKEN" CONFLICT "The practitioner is not free at that time.";
    SlotNotOffered "SLOT_NOT_OFFERED" UNPROCESSABLE_ENTITY "The schedule does not offer that time.";
    HoldExpired "HOLD_EXPIRED" CONFLICT "The slot is no longer held: hold it again, or book it without.";
    SeriesClash "SERIES_CLASH" CONFLICT "Some times of the series cannot be booked; nothing was written.";
    LateCancellation "LATE_CANCELLATION" CONFLICT "It is too late to call it off; ask the front desk.";
    IllegalTransition "ILLEGAL_TRANSITION" CONFLICT "The record is not in a state that allows this.";
    PeriodClosed "PERIOD_CLOSED" CONFLICT "The books are closed for that day.";
    EventNotTaken "EVENT_NOT_TAKEN" CONFLICT "The event was not taken again; its dead letter stays, with the new reason.";
    IdempotencyInFlight "IDEMPOTENCY_IN_FLIGHT" CONFLICT "The first request with this key is still being answered.";
    PreconditionFailed "PRECONDITION_FAILED" PRECONDITION_FAILED "The record has changed since it was read.";
    PayloadTooLarge "PAYLOAD_TOO_LARGE" PAYLOAD_TOO_LARGE "The body is larger than is allowed.";
    UriTooLong "URI_TOO_LONG" URI_TOO_LONG "The address of the request is longer than is allowed.";
    HeadersTooLarge "HEADERS_TOO_LARGE" REQUEST_HEADER_FIELDS_TOO_LARGE "The headers of the request are more than is allowed.";
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" UNSUPPORTED_MEDIA_TYPE "The body must be application/json.";
    Unprocessable "UNPROCESSABLE" UNPROCESSABLE_ENTITY "The request breaks a rule.";
    UnknownReference "UNKNOWN_REFERENCE" UNPROCESSABLE_ENTITY "The request names something that does not exist.";
    LinkInvalid "LINK_INVALID" UNPROCESSABLE_ENTITY "The link was used before or is too old.";
    WeakPassword "WEAK_PASSWORD" UNPROCESSABLE_ENTITY "The password is too easy to guess.";
    IdempotencyMismatch "IDEMPOTENCY_MISMATCH" UNPROCESSABLE_ENTITY "The key was used for another request.";
    LockedOut "LOCKED_OUT" TOO_MANY_REQUESTS "Too many attempts have failed: wait before the next one.";
    RateLimited "RATE_LIMITED" TOO_MANY_REQUESTS "Too many requests.";
    Internal "INTERNAL" INTERNAL_SERVER_ERROR "Something went wrong on our side.";
    BadGateway "BAD_GATEWAY" BAD_GATEWAY "The service gave no usable answer.";
    Unavailable "UNAVAILABLE" SERVICE_UNAVAILABLE "The service cannot answer at present.";
    GatewayTimeout "GATEWAY_TIMEOUT" GATEWAY_TIMEOUT "The service did not answer in time.";
}

impl Code {
    /// After how many seconds another try may help, where nothing better is known.
    pub(crate) const fn retry_after(self) -> Option<u32> {
        match self {
            Self::Unavailable | Self::IdempotencyInFlight => Some(1),
            Self::RateLimited => Some(60),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_mean_errors() {
        let names: HashSet<_> = CODES.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), CODES.len());
        assert!(CODES.iter().all(|code| code.status().is_client_error() || code.status().is_server_error()));
    }
}
