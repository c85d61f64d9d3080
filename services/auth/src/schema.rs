//! The tables of the service.

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    accounts (id) {
        id -> Uid,
        email -> Text,
        username -> Nullable<Text>,
        status -> Text,
        patient_id -> Nullable<Uid>,
        practitioner_id -> Nullable<Uid>,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Uid;
    account_roles (account_id, role) {
        account_id -> Uid,
        role -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    passwords (account_id) {
        account_id -> Uid,
        hash -> Text,
        set_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    sessions (id) {
        id -> Uid,
        account_id -> Uid,
        generation -> BigInt,
        rotated_at -> Tstz,
        grace_spent -> Bool,
        revoked_at -> Nullable<Tstz>,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    refresh_tokens (hash) {
        hash -> Text,
        session_id -> Uid,
        generation -> BigInt,
        expires_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Tstz;
    signing_keys (id) {
        id -> Text,
        pkcs8 -> Text,
        active -> Bool,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Uid;
    record_links (kind, record_id) {
        kind -> Text,
        record_id -> Uid,
        account_id -> Nullable<Uid>,
        version -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(accounts, account_roles, passwords);
diesel::joinable!(passwords -> accounts (account_id));
