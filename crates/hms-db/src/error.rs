//! What can go wrong with the database, in terms of what a caller can do about it.

use diesel::result::{ConnectionError, DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

use crate::symptom;

/// The outcome of a unit of work.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of any kind.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a unit of work failed. The cause is the `source`, where there is one, and not part of the text. A
/// `message` is what the database says: names of tables and columns, no values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No row where one was expected.
    #[error("no such row")]
    NotFound,
    /// There is such a row already.
    #[error("a unique constraint is violated: {message}")]
    Unique {
        /// The constraint, by PostgreSQL's rule `<table>_<columns>_key` also on SQLite: name unique indexes so.
        constraint: Option<String>,
        /// What the database says.
        message: String,
    },
    /// The row names another one that does not exist.
    #[error("a foreign key is violated: {message}")]
    ForeignKey {
        /// The constraint; SQLite does not tell.
        constraint: Option<String>,
        /// What the database says.
        message: String,
    },
    /// A CHECK refuses the row.
    #[error("a check is violated: {message}")]
    Check {
        /// The constraint.
        constraint: Option<String>,
        /// What the database says.
        message: String,
    },
    /// The row excludes one that is there: an exclusion constraint on PostgreSQL, a trigger with
    /// `RAISE(ABORT, 'EXCLUSION: <constraint>')` on SQLite.
    #[error("an exclusion constraint is violated: {message}")]
    Exclusion {
        /// The constraint.
        constraint: Option<String>,
        /// What the database says.
        message: String,
    },
    /// The database cannot keep such a value, or does not let the row go.
    #[error("the database refuses the values")]
    Rejected {
        /// What the database says; may hold a value, so it is neither logged nor shown.
        message: String,
    },
    /// Too much is going on: no connection in time, a lock that is held, a deadlock. Nothing was done; another try
    /// may succeed.
    #[error("the database is busy")]
    Busy,
    /// The database is away, or went away: whether a commit that was under way was done is not known.
    #[error("the database cannot be reached")]
    Unavailable(#[source] BoxError),
    /// Anything else: a fault of ours.
    #[error("the database failed")]
    Other(#[source] BoxError),
}

impl Error {
    pub(crate) fn other(source: impl Into<BoxError>) -> Self {
        Self::Other(source.into())
    }
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(kind, information) => from_database(kind, information),
            DieselError::SerializationError(source) => Self::Rejected { message: source.to_string() },
            DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            DieselError::BrokenTransactionManager => Self::Unavailable(error.into()),
            _ => Self::other(error),
        }
    }
}

fn from_database(
    kind: DatabaseErrorKind,
    information: Box<dyn DatabaseErrorInformation + Send + Sync>,
) -> Error {
    use DatabaseErrorKind as Kind;
    let message = information.message().to_owned();
    let constraint = || symptom::constraint(&*information);
    match kind {
        Kind::UniqueViolation => Error::Unique { constraint: constraint(), message },
        Kind::ForeignKeyViolation => Error::ForeignKey { constraint: constraint(), message },
        Kind::CheckViolation => Error::Check { constraint: constraint(), message },
        Kind::ExclusionViolation => Error::Exclusion { constraint: constraint(), message },
        Kind::NotNullViolation | Kind::RestrictViolation => Error::Rejected { message },
        Kind::SerializationFailure => Error::Busy,
        _ if message.starts_with(symptom::EXCLUSION) => {
            Error::Exclusion { constraint: constraint(), message }
        }
        _ if symptom::is_busy(&message) => Error::Busy,
        _ if symptom::is_refused_value(&message) => Error::Rejected { message },
        _ => {
            let error = DieselError::DatabaseError(kind, information);
            let away = symptom::is_lost(&error) || symptom::is_away(&message);
            if away { Error::Unavailable(error.into()) } else { Error::other(error) }
        }
    }
}

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::BadConnection(message) if symptom::is_busy(&message) => Self::Busy,
            ConnectionError::BadConnection(_) => Self::Unavailable(error.into()),
            ConnectionError::CouldntSetupConfiguration(error) => Self::from(error),
            _ => Self::other(error),
        }
    }
}
