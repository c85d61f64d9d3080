//! Reading errors: what diesel's kinds leave open, told by the words of SQLite, of libpq and of the server. (diesel
//! does not give the SQLSTATE; a server whose `lc_messages` is not English is read less well.)

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

/// How a trigger on SQLite says that a row excludes another one.
pub(crate) const EXCLUSION: &str = "EXCLUSION: ";

const LOST: &[&str] = &[
    "terminating connection",
    "server closed the connection",
    "connection to server",
    "no connection to the server",
    "connection not open",
    "could not receive data from server",
    "could not send data to server",
    "SSL connection has been closed",
    "the database system is",
];

const AWAY: &[&str] = &[
    "statement timeout",
    "disk I/O error",
    "database or disk is full",
    "unable to open database file",
    "No space left on device",
    "out of memory",
];

const BUSY: &[&str] = &[
    "database is locked",
    "database table is locked",
    "lock timeout",
    "deadlock detected",
    "too many clients already",
    "too many connections for",
    "remaining connection slots are reserved",
];

const REFUSED_VALUE: &[&str] = &[
    "invalid byte sequence for encoding",
    "unsupported Unicode escape sequence",
    "value too long for type",
    "integer out of range",
    "bigint out of range",
    "timestamp out of range",
    "date out of range",
    "is out of range for type",
];

/// Whether the connection is of no more use, nor are those that were made with it. A read-only transaction means
/// that the server has become a standby.
pub(crate) fn is_lost(error: &DieselError) -> bool {
    use DatabaseErrorKind as Kind;
    match error {
        DieselError::DatabaseError(
            Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::ReadOnlyTransaction,
            _,
        ) => true,
        DieselError::DatabaseError(_, information) => any_in(LOST, information.message()),
        DieselError::BrokenTransactionManager => true,
        _ => false,
    }
}

/// Whether the database is there and yet cannot serve.
pub(crate) fn is_away(message: &str) -> bool {
    any_in(AWAY, message)
}

/// Whether another try may succeed at once.
pub(crate) fn is_busy(message: &str) -> bool {
    any_in(BUSY, message)
}

/// Whether the value is one that the database cannot keep, such as a text with a zero byte.
pub(crate) fn is_refused_value(message: &str) -> bool {
    any_in(REFUSED_VALUE, message)
}

fn any_in(symptoms: &[&str], message: &str) -> bool {
    symptoms.iter().any(|symptom| message.contains(symptom))
}

/// The name of the violated constraint, as PostgreSQL would have it.
pub(crate) fn constraint(information: &dyn DatabaseErrorInformation) -> Option<String> {
    if let Some(name) = information.constraint_name() {
        return Some(name.to_owned());
    }
    let message = information.message();
    if let Some(name) = message.strip_prefix(EXCLUSION) {
        return Some(name.trim().to_owned());
    }
    if let Some(name) = message.strip_prefix("CHECK constraint failed: ") {
        return Some(name.to_owned());
    }
    unique_name(message.strip_prefix("UNIQUE constraint failed: ")?)
}

/// SQLite names the columns (`t.a, t.b`) of a unique index, or the index itself when it is over an expression.
fn unique_name(text: &str) -> Option<String> {
    if let Some(index) = text.strip_prefix("index '") {
        return Some(index.trim_end_matches('\'').to_owned());
    }
    let mut name = text.split('.').next()?.to_owned();
    for column in text.split(", ") {
        name.push('_');
        name.push_str(column.split_once('.')?.1);
    }
    name.push_str("_key");
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_tells_the_constraint_in_its_message() {
        let cases = [
            ("UNIQUE constraint failed: customers.email", Some("customers_email_key")),
            (
                "UNIQUE constraint failed: slots.practitioner_id, slots.start",
                Some("slots_practitioner_id_start_key"),
            ),
            (
                "UNIQUE constraint failed: index 'customers_lower_email_key'",
                Some("customers_lower_email_key"),
            ),
            ("CHECK constraint failed: bookings_end_after_start", Some("bookings_end_after_start")),
            ("EXCLUSION: appointments_no_overlap", Some("appointments_no_overlap")),
            ("FOREIGN KEY constraint failed", None),
        ];
        for (message, expected) in cases {
            assert_eq!(constraint(&message.to_owned()).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn messages_tell_what_the_kind_does_not() {
        assert!(is_busy("FATAL:  sorry, too many clients already"));
        assert!(is_busy("canceling statement due to lock timeout"));
        assert!(is_away("canceling statement due to statement timeout"));
        assert!(is_refused_value("invalid byte sequence for encoding \"UTF8\": 0x00"));
        let terminated = "terminating connection due to administrator command".to_owned();
        assert!(is_lost(&DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(terminated))));
        let other = "syntax error at or near \"FORM\"".to_owned();
        assert!(!is_lost(&DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(other))));
    }
}
