//! The tables of this service; the SQL stands in `migrations/billing`.

use hms_db::sql::{Doc, Tstz, Uid};

diesel::table! {
    use diesel::sql_types::*;
    use super::Uid;
    patients (id) {
        id -> Uid,
        version -> BigInt,
        name -> Text,
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
        name -> Text,
        active -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    catalogue_items (id) {
        id -> Uid,
        code -> Text,
        name -> Text,
        active -> Bool,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    catalogue_prices (item_id, currency, valid_from) {
        item_id -> Uid,
        currency -> Text,
        valid_from -> Date,
        amount -> BigInt,
        tax_rate -> BigInt,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    payers (id) {
        id -> Uid,
        name -> Text,
        reference -> Nullable<Text>,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Doc, Tstz, Uid};
    coverages (id) {
        id -> Uid,
        patient_id -> Uid,
        payer_id -> Uid,
        member_number -> Nullable<Text>,
        terms -> Doc,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    accounts (code) {
        code -> Text,
        name -> Text,
        kind -> Text,
        system -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Tstz;
    closed_periods (month) {
        month -> Text,
        last_day -> Date,
        closed_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    entries (id) {
        id -> Uid,
        booked_on -> Date,
        kind -> Text,
        memo -> Text,
        currency -> Text,
        source_id -> Nullable<Uid>,
        reverses -> Nullable<Uid>,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uid;
    postings (entry_id, position) {
        entry_id -> Uid,
        position -> BigInt,
        account -> Text,
        amount -> BigInt,
        department_id -> Nullable<Uid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    series (code) {
        code -> Text,
        next -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Doc, Tstz, Uid};
    invoices (id) {
        id -> Uid,
        kind -> Text,
        status -> Text,
        series -> Nullable<Text>,
        serial -> Nullable<BigInt>,
        patient_id -> Uid,
        appointment_id -> Nullable<Uid>,
        practitioner_id -> Nullable<Uid>,
        department_id -> Nullable<Uid>,
        coverage_id -> Nullable<Uid>,
        payer_id -> Nullable<Uid>,
        credits -> Nullable<Uid>,
        currency -> Text,
        lines -> Doc,
        net -> BigInt,
        tax -> BigInt,
        total -> BigInt,
        patient_due -> BigInt,
        patient_settled -> BigInt,
        patient_credited -> BigInt,
        payer_due -> BigInt,
        payer_settled -> BigInt,
        payer_credited -> BigInt,
        open -> BigInt,
        issued_on -> Nullable<Date>,
        due_on -> Nullable<Date>,
        dunning_level -> BigInt,
        note -> Nullable<Text>,
        reference -> Nullable<Text>,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    claims (id) {
        id -> Uid,
        invoice_id -> Uid,
        payer_id -> Uid,
        coverage_id -> Nullable<Uid>,
        patient_id -> Uid,
        status -> Text,
        currency -> Text,
        claimed -> BigInt,
        agreed -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    payments (id) {
        id -> Uid,
        status -> Text,
        method -> Text,
        side -> Text,
        patient_id -> Nullable<Uid>,
        payer_id -> Nullable<Uid>,
        invoice_id -> Nullable<Uid>,
        currency -> Text,
        amount -> BigInt,
        refunded -> BigInt,
        unapplied -> BigInt,
        received_on -> Date,
        reference -> Nullable<Text>,
        source -> Nullable<Text>,
        source_reference -> Nullable<Text>,
        by_provider -> Bool,
        provider_reference -> Nullable<Text>,
        client_secret -> Nullable<Text>,
        failure -> Nullable<Text>,
        reconciled_on -> Nullable<Date>,
        version -> BigInt,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uid;
    allocations (payment_id, invoice_id) {
        payment_id -> Uid,
        invoice_id -> Uid,
        amount -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Tstz, Uid};
    refunds (id) {
        id -> Uid,
        payment_id -> Uid,
        currency -> Text,
        amount -> BigInt,
        status -> Text,
        reason -> Text,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    jobs (name) {
        name -> Text,
        last_run_on -> Date,
    }
}

diesel::allow_tables_to_appear_in_same_query!(accounts, entries, postings);
diesel::allow_tables_to_appear_in_same_query!(payments, allocations, invoices);
