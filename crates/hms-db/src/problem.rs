//! What a client reads of a failed unit of work, and what the log keeps of it.

use std::error::Error as StdError;
use std::fmt;

use hms_problem::{Code, Problem};

use crate::Error;

/// Where a service knows better what a violated constraint means, it looks at the [`Error`] itself first.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let problem = Problem::new(code(&error));
        if problem.code().status().is_server_error() {
            tracing::error!(cause = %Chain(&error), "a unit of work failed");
        }
        problem
    }
}

fn code(error: &Error) -> Code {
    match error {
        Error::NotFound => Code::NotFound,
        Error::Unique { .. } | Error::Exclusion { .. } => Code::Duplicate,
        Error::ForeignKey { .. } => Code::UnknownReference,
        Error::Check { .. } | Error::Rejected { .. } => Code::Unprocessable,
        Error::Busy | Error::Unavailable(_) => Code::Unavailable,
        Error::Other(_) => Code::Internal,
    }
}

/// An error and all its sources in one line.
struct Chain<'a>(&'a Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_code() {
        let message = || "m".to_owned();
        let cases = [
            (Error::NotFound, Code::NotFound),
            (Error::Unique { constraint: None, message: message() }, Code::Duplicate),
            (Error::Exclusion { constraint: None, message: message() }, Code::Duplicate),
            (Error::ForeignKey { constraint: None, message: message() }, Code::UnknownReference),
            (Error::Check { constraint: None, message: message() }, Code::Unprocessable),
            (Error::Rejected { message: message() }, Code::Unprocessable),
            (Error::Busy, Code::Unavailable),
            (Error::Unavailable("gone".into()), Code::Unavailable),
            (Error::other("odd"), Code::Internal),
        ];
        for (error, code) in cases {
            let text = error.to_string();
            assert_eq!(Problem::from(error).code(), code, "{text}");
        }
    }

    #[test]
    fn the_chain_names_each_cause_once() {
        let error = Error::Unavailable("connection refused".into());
        assert_eq!(Chain(&error).to_string(), "the database cannot be reached: connection refused");
    }
}
