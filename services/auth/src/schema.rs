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
        email_verified_at -> Nullable<Tstz>,
        erased_at -> Nullable<Tstz>,
        language -> Nullable<Text>,
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
        device -> Nullable<Text>,
        network -> Nullable<Text>,
        last_used_at -> Nullable<Tstz>,
        access_until -> Nullable<Tstz>,
        ends_at -> Nullable<Tstz>,
        amr -> Nullable<Text>,
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
        used_from -> Nullable<Tstz>,
        used_until -> Nullable<Tstz>,
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

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    revocations (position) {
        position -> BigInt,
        sid -> Uid,
        revoked_at -> Tstz,
        until -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    revocation_positions (id) {
        id -> BigInt,
        last -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    api_keys (id) {
        id -> Uid,
        account_id -> Uid,
        name -> Text,
        hash -> Text,
        old_hash -> Nullable<Text>,
        old_valid_until -> Nullable<Tstz>,
        scopes -> Text,
        department_id -> Nullable<Uid>,
        expires_at -> Nullable<Tstz>,
        revoked_at -> Nullable<Tstz>,
        last_used_at -> Nullable<Tstz>,
        created_by -> Uid,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Doc, Tstz, Uid};
    oauth_clients (id) {
        id -> Uid,
        name -> Text,
        kind -> Text,
        secret_hash -> Nullable<Text>,
        redirect_uris -> Doc,
        grant_types -> Text,
        scopes -> Text,
        department_id -> Nullable<Uid>,
        revoked_at -> Nullable<Tstz>,
        created_by -> Uid,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    oauth_grants (id) {
        id -> Uid,
        client_id -> Uid,
        account_id -> Uid,
        scopes -> Text,
        auth_time -> Tstz,
        generation -> BigInt,
        rotated_at -> Tstz,
        grace_spent -> Bool,
        expires_at -> Tstz,
        revoked_at -> Nullable<Tstz>,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    oauth_refresh_tokens (hash) {
        hash -> Text,
        grant_id -> Uid,
        generation -> BigInt,
        expires_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    oauth_codes (hash) {
        hash -> Text,
        client_id -> Uid,
        account_id -> Uid,
        redirect_uri -> Text,
        challenge -> Text,
        scopes -> Text,
        nonce -> Nullable<Text>,
        auth_time -> Tstz,
        expires_at -> Tstz,
        grant_id -> Nullable<Uid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Tstz;
    one_time_tokens (hash) {
        hash -> Text,
        purpose -> Text,
        subject -> Text,
        created_at -> Tstz,
        expires_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    totp_factors (account_id) {
        account_id -> Uid,
        secret -> Text,
        confirmed_at -> Nullable<Tstz>,
        used_step -> BigInt,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Uid;
    recovery_codes (account_id, hash) {
        account_id -> Uid,
        hash -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    sign_in_challenges (hash) {
        hash -> Text,
        account_id -> Uid,
        subject -> Text,
        device_id -> Nullable<Uid>,
        attempts -> BigInt,
        expires_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Tstz;
    failed_attempts (subject) {
        subject -> Text,
        failures -> BigInt,
        last_failed_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};
    invitations (id) {
        id -> Uid,
        email -> Text,
        roles -> Text,
        patient_id -> Nullable<Uid>,
        practitioner_id -> Nullable<Uid>,
        token_hash -> Text,
        status -> Text,
        invited_by -> Uid,
        created_at -> Tstz,
        expires_at -> Tstz,
        language -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(accounts, account_roles, passwords);
diesel::allow_tables_to_appear_in_same_query!(sessions, refresh_tokens);
diesel::joinable!(passwords -> accounts (account_id));
