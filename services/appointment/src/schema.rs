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
        specialty -> Nullable<Text>,
        account_id -> Nullable<Uid>,
        department_id -> Nullable<Uid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uid;
    departments (id) {
        id -> Uid,
        version -> BigInt,
        active -> Bool,
        name -> Nullable<Text>,
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
        appointment_type_id -> Nullable<Uid>,
        series_id -> Nullable<Uid>,
        zone -> Nullable<Text>,
        resource_ids -> Doc,
        overbook_reason -> Nullable<Text>,
        late_cancellation -> Bool,
        busy_start -> Nullable<Tstz>,
        busy_end -> Nullable<Tstz>,
        session_id -> Nullable<Uid>,
        seat -> BigInt,
        seats -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    occupancy (owner_id, resource_id) {
        owner_id -> Uid,
        resource_id -> Uid,
        session_id -> Uid,
        seat -> BigInt,
        seats -> BigInt,
        start_at -> Tstz,
        end_at -> Tstz,
        expires_at -> Nullable<Tstz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Doc, Tstz, Uid};
    holds (id) {
        id -> Uid,
        held_by -> Uid,
        practitioner_id -> Uid,
        department_id -> Nullable<Uid>,
        appointment_type_id -> Nullable<Uid>,
        start_at -> Tstz,
        end_at -> Tstz,
        busy_start -> Nullable<Tstz>,
        busy_end -> Nullable<Tstz>,
        session_id -> Nullable<Uid>,
        seat -> BigInt,
        seats -> BigInt,
        resource_ids -> Doc,
        zone -> Nullable<Text>,
        expires_at -> Tstz,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Doc, Tstz, Uid};
    appointment_types (id) {
        id -> Uid,
        name -> Text,
        active -> Bool,
        details -> Doc,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Doc, Tstz, Uid};
    schedules (id) {
        id -> Uid,
        practitioner_id -> Uid,
        department_id -> Uid,
        active -> Bool,
        terms -> Doc,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    holidays (id) {
        id -> Uid,
        department_id -> Nullable<Uid>,
        day -> Date,
        name -> Text,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    resources (id) {
        id -> Uid,
        department_id -> Uid,
        kind -> Text,
        category -> Text,
        name -> Text,
        active -> Bool,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
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
    departments,
    occupancy,
    schedules
);

diesel::table! {
    queue_feed (id) {
        id -> BigInt,
        position -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uid;
    queue_counters (department_id) {
        department_id -> Uid,
        letters -> Text,
        day -> Date,
        last -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    queue_desks (id) {
        id -> Uid,
        department_id -> Uid,
        name -> Text,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    queue_tickets (id) {
        id -> Uid,
        department_id -> Uid,
        day -> Date,
        number -> Text,
        status -> Text,
        triage -> Text,
        patient_id -> Nullable<Uid>,
        appointment_id -> Nullable<Uid>,
        appointment_start -> Nullable<Tstz>,
        place_triage -> BigInt,
        place_at -> Tstz,
        place_sub -> BigInt,
        desk_id -> Nullable<Uid>,
        desk -> Nullable<Text>,
        arrived_at -> Tstz,
        called_at -> Nullable<Tstz>,
        ended_at -> Nullable<Tstz>,
        version -> BigInt,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    queue_changes (position) {
        position -> BigInt,
        department_id -> Uid,
        number -> Text,
        status -> Text,
        desk -> Nullable<Text>,
        at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    waitlist_entries (id) {
        id -> Uid,
        patient_id -> Uid,
        practitioner_id -> Nullable<Uid>,
        department_id -> Nullable<Uid>,
        appointment_type_id -> Nullable<Uid>,
        start_at -> Tstz,
        end_at -> Tstz,
        minutes -> Nullable<BigInt>,
        priority -> BigInt,
        status -> Text,
        appointment_id -> Nullable<Uid>,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    waitlist_openings (id) {
        id -> Uid,
        practitioner_id -> Uid,
        department_id -> Nullable<Uid>,
        appointment_type_id -> Nullable<Uid>,
        start_at -> Tstz,
        end_at -> Tstz,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Doc, Tstz, Uid};
    waitlist_offers (id) {
        id -> Uid,
        entry_id -> Uid,
        opening_id -> Uid,
        hold_id -> Uid,
        status -> Text,
        expires_at -> Tstz,
        opening -> Doc,
        created_at -> Tstz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(waitlist_entries, waitlist_offers, holds);
hms_care::held_to_care!(appointments, waitlist_entries);
