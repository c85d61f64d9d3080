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
    use diesel::sql_types::{BigInt, Text};
    use hms_db::sql::{Tstz, Uid};
    job_outbox (id) {
        id -> Uid,
        queue -> Text,
        rank -> BigInt,
        body -> Text,
        created_at -> Tstz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(dead_letters, inbox);

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    inbox (event_id) {
        event_id -> Uid,
        received_at -> Tstz,
        traceparent -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use hms_db::sql::{Doc, Tstz, Uid};
    /// The dead letters.
    dead_letters (event_id) {
        /// The event.
        event_id -> Uid,
        /// Its type.
        kind -> Text,
        /// Its aggregate.
        subject -> Text,
        /// The message, by `encoding`.
        body -> Text,
        /// Why it was given up.
        reason -> Text,
        /// How often it was tried.
        attempts -> BigInt,
        /// When it was given up.
        died_at -> Tstz,
        /// `text` or `base64`.
        encoding -> Text,
        /// The patients that it names.
        patient_ids -> Doc,
    }
}
