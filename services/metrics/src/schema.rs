//! The tables of the metrics service.

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::Uid;
    practitioners (id) {
        id -> Uid,
        version -> BigInt,
        name -> Text,
        account_id -> Nullable<Uid>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use hms_db::sql::Uid;
    departments (id) {
        id -> Uid,
        version -> BigInt,
        name -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    appointments (id) {
        id -> Uid,
        version -> BigInt,
        department_id -> Nullable<Uid>,
        practitioner_id -> Nullable<Uid>,
        start_at -> Tstz,
        end_at -> Tstz,
        status -> Text,
        recorded -> Bool,
        late_cancellation -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Date, Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    tickets (id) {
        id -> Uid,
        version -> BigInt,
        department_id -> Nullable<Uid>,
        day -> Date,
        status -> Text,
        arrived_at -> Tstz,
        called_at -> Nullable<Tstz>,
        changed_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};
    use hms_db::sql::Uid;
    bills (id) {
        id -> Uid,
        version -> BigInt,
        department_id -> Nullable<Uid>,
        practitioner_id -> Nullable<Uid>,
        day -> Date,
        is_credit -> Bool,
        is_void -> Bool,
        currency -> Text,
        total -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Date, Nullable, Text};
    use hms_db::sql::Uid;
    payments (id, version) {
        id -> Uid,
        version -> BigInt,
        kind -> Text,
        department_id -> Nullable<Uid>,
        practitioner_id -> Nullable<Uid>,
        day -> Date,
        currency -> Text,
        amount -> BigInt,
    }
}

diesel::table! {
    use hms_db::sql::{Tstz, Uid};
    patients (id) {
        id -> Uid,
        registered_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;
    use hms_db::sql::{Doc, Tstz, Uid};
    schedules (id, version) {
        id -> Uid,
        version -> BigInt,
        since -> Tstz,
        facts -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Date, Nullable};
    use hms_db::sql::Uid;
    holidays (id) {
        id -> Uid,
        version -> BigInt,
        department_id -> Nullable<Uid>,
        day -> Date,
        active -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::{Date, Nullable};
    use hms_db::sql::{Doc, Uid};
    cells (id) {
        id -> Uid,
        day -> Date,
        department_id -> Nullable<Uid>,
        practitioner_id -> Nullable<Uid>,
        counts -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::{Date, Nullable};
    use hms_db::sql::Uid;
    changed_days (id) {
        id -> Uid,
        day -> Date,
        rebuild_id -> Nullable<Uid>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    jobs (name) {
        name -> Text,
        zone -> Nullable<Text>,
        days_counted -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    rebuilds (id) {
        id -> Uid,
        state -> Text,
        is_open -> Bool,
        days -> Nullable<BigInt>,
        days_left -> Nullable<BigInt>,
        created_at -> Tstz,
        started_at -> Nullable<Tstz>,
        ended_at -> Nullable<Tstz>,
    }
}
