//! The tables of the bus, in the database of every service.

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use hms_db::sql::{Tstz, Uid};
    outbox (position) {
        position -> BigInt,
        event_id -> Uid,
        kind -> Text,
        subject -> Text,
        body -> Text,
        created_at -> Tstz,
    }
}

diesel::table! {
    use hms_db::sql::{Tstz, Uid};
    inbox (event_id) {
        event_id -> Uid,
        received_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use hms_db::sql::{Tstz, Uid};
    dead_letters (event_id) {
        event_id -> Uid,
        kind -> Text,
        subject -> Text,
        body -> Text,
        reason -> Text,
        attempts -> BigInt,
        died_at -> Tstz,
    }
}
