//! The tables of the audit.

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    entries (seq) {
        seq -> BigInt,
        prev_hash -> Text,
        hash -> Text,
        entry -> Text,
        id -> Uid,
        at -> Tstz,
        service -> Text,
        actor_id -> Nullable<Uid>,
        action -> Text,
        resource -> Text,
        resource_id -> Nullable<Text>,
        outcome -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use hms_db::sql::Uid;
    entry_patients (patient_id, action, seq) {
        patient_id -> Uid,
        action -> Text,
        seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::Tstz;
    chain_head (id) {
        id -> BigInt,
        seq -> BigInt,
        hash -> Text,
        checkpoint_number -> BigInt,
        checkpoint_seq -> BigInt,
        checkpoint_hash -> Text,
        boundary_seq -> BigInt,
        boundary_hash -> Text,
        waiting_since -> Nullable<Tstz>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use hms_db::sql::Tstz;
    checkpoints (number) {
        number -> BigInt,
        seq -> BigInt,
        hash -> Text,
        at -> Tstz,
        statement -> Text,
        signature -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{Bool, Text};
    use hms_db::sql::Tstz;
    checkpoint_keys (id) {
        id -> Text,
        public_key -> Text,
        pkcs8 -> Text,
        active -> Bool,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;
    use hms_db::sql::Tstz;
    prunings (seq) {
        seq -> BigInt,
        at -> Tstz,
    }
}

diesel::joinable!(entry_patients -> entries (seq));
diesel::allow_tables_to_appear_in_same_query!(entries, entry_patients);
