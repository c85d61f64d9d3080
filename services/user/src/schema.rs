//! The tables, as the migrations make them. `search_text` is only ever compared with, never read;
//! `search_version` says which folding made it.

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Doc, Tstz, Uid};

    patients (id) {
        id -> Uid,
        mrn -> Text,
        status -> Text,
        given_name -> Text,
        family_name -> Text,
        birth_date -> Date,
        gender -> Text,
        phone -> Nullable<Text>,
        email -> Nullable<Text>,
        language -> Nullable<Text>,
        address -> Nullable<Doc>,
        identifiers -> Doc,
        deceased_at -> Nullable<Tstz>,
        account_id -> Nullable<Uid>,
        search_text -> Text,
        search_version -> BigInt,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Uid;

    patient_identifiers (system, value) {
        system -> Text,
        value -> Text,
        patient_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Doc, Tstz, Uid};

    practitioners (id) {
        id -> Uid,
        status -> Text,
        given_name -> Text,
        family_name -> Text,
        prefix -> Nullable<Text>,
        gender -> Nullable<Text>,
        specialty -> Nullable<Text>,
        department_id -> Nullable<Uid>,
        phone -> Nullable<Text>,
        email -> Nullable<Text>,
        identifiers -> Doc,
        account_id -> Nullable<Uid>,
        search_text -> Text,
        search_version -> BigInt,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Uid;

    practitioner_identifiers (system, value) {
        system -> Text,
        value -> Text,
        practitioner_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Doc, Tstz, Uid};

    departments (id) {
        id -> Uid,
        status -> Text,
        name -> Text,
        kind -> Text,
        phone -> Nullable<Text>,
        address -> Nullable<Doc>,
        identifiers -> Doc,
        search_text -> Text,
        search_version -> BigInt,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Uid;

    department_identifiers (system, value) {
        system -> Text,
        value -> Text,
        department_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Tstz, Uid};

    broken_glass (id) {
        id -> Uid,
        account_id -> Uid,
        patient_id -> Uid,
        reason -> Text,
        created_at -> Tstz,
        until -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use hms_db::sql::Uid;

    untold (kind, id) {
        kind -> Text,
        id -> Uid,
    }
}

diesel::allow_tables_to_appear_in_same_query!(patients, patient_identifiers);
diesel::allow_tables_to_appear_in_same_query!(practitioners, practitioner_identifiers);
diesel::allow_tables_to_appear_in_same_query!(departments, department_identifiers);
