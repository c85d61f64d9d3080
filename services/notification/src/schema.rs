//! The tables of the notification service.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use hms_db::sql::Uid;
    patients (id) {
        id -> Uid,
        version -> BigInt,
        name -> Text,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        active -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::{Doc, Tstz, Uid};
    messages (id) {
        id -> Uid,
        version -> BigInt,
        event_id -> Uid,
        kind -> Text,
        channel -> Text,
        status -> Text,
        patient_id -> Uid,
        facts -> Doc,
        subject -> Text,
        recipient -> Nullable<Text>,
        body -> Nullable<Text>,
        attempts -> BigInt,
        due_at -> Tstz,
        created_at -> Tstz,
        sent_at -> Nullable<Tstz>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    account_mails (id) {
        id -> Uid,
        version -> BigInt,
        event_id -> Uid,
        kind -> Text,
        status -> Text,
        recipient -> Nullable<Text>,
        subject -> Text,
        body -> Nullable<Text>,
        attempts -> BigInt,
        due_at -> Tstz,
        expires_at -> Tstz,
        created_at -> Tstz,
        error -> Nullable<Text>,
    }
}
