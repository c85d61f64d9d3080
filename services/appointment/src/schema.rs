//! The tables of this service; the SQL stands in `migrations/appointment`.

use hms_db::sql::{Doc, Tstz, Uid};

diesel::table! {
    use diesel::sql_types::*;
    use super::Uid;
    patients (id) {
        id -> Uid,
        version -> BigInt,
        active -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uid;
    practitioners (id) {
        id -> Uid,
        version -> BigInt,
        name -> Text,
        active -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uid;
    departments (id) {
        id -> Uid,
        version -> BigInt,
        active -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Doc, Tstz, Uid};
    appointments (id) {
        id -> Uid,
        patient_id -> Uid,
        practitioner_id -> Uid,
        department_id -> Nullable<Uid>,
        start_at -> Tstz,
        end_at -> Tstz,
        status -> Text,
        blocking -> Bool,
        reason -> Nullable<Text>,
        description -> Nullable<Text>,
        cancellation_reason -> Nullable<Text>,
        identifiers -> Doc,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
        deleted_at -> Nullable<Tstz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uid;
    appointment_identifiers (system, value) {
        system -> Text,
        value -> Text,
        appointment_id -> Uid,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    appointments,
    appointment_identifiers,
    patients,
    practitioners,
    departments
);
