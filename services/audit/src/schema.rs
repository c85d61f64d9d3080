//! The tables of the audit.

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use hms_db::sql::{Doc, Tstz, Uid};
    entries (id) {
        id -> Uid,
        at -> Tstz,
        service -> Text,
        actor_id -> Nullable<Uid>,
        actor_roles -> Doc,
        action -> Text,
        resource -> Text,
        resource_id -> Nullable<Text>,
        patient_ids -> Doc,
        outcome -> Text,
        detail -> Nullable<Text>,
        request_id -> Nullable<Text>,
        source_ip -> Nullable<Text>,
    }
}

diesel::table! {
    use hms_db::sql::Uid;
    entry_patients (patient_id, entry_id) {
        patient_id -> Uid,
        entry_id -> Uid,
    }
}

diesel::joinable!(entry_patients -> entries (entry_id));
diesel::allow_tables_to_appear_in_same_query!(entries, entry_patients);
