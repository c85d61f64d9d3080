//! The tables that each service has which follows the rule. A service may have more columns in them.

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Uid;

    /// Who had to do with whom: a row for each appointment.
    care_relations (appointment_id) {
        /// The appointment.
        appointment_id -> Uid,
        /// Whose record it is about.
        patient_id -> Uid,
        /// With whom it is.
        practitioner_id -> Uid,
        /// Where.
        department_id -> Nullable<Uid>,
        /// Whether it binds them to the patient: one that was called off does not.
        binding -> Bool,
        /// The version of the appointment.
        version -> BigInt,
    }
}

diesel::table! {
    use hms_db::sql::{Tstz, Uid};

    /// Who reached a record that was not theirs to see.
    broken_glass (id) {
        /// The act.
        id -> Uid,
        /// Who.
        account_id -> Uid,
        /// Whose record.
        patient_id -> Uid,
        /// Until when.
        until -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Uid;

    /// Who the practitioner of an account is, and where they belong.
    practitioners (id) {
        /// The practitioner.
        id -> Uid,
        /// The version of the practitioner.
        version -> BigInt,
        /// Their account.
        account_id -> Nullable<Uid>,
        /// Their department.
        department_id -> Nullable<Uid>,
    }
}

/// Lets these tables of a service stand in one query with those of the rule, for [`in_care`](crate::in_care). What diesel has
/// for it is for tables of one crate.
#[macro_export]
macro_rules! held_to_care {
    ($($table:ident),+ $(,)?) => {$(
        impl diesel::query_source::TableNotEqual<$crate::schema::care_relations::table> for $table::table {}
        impl diesel::query_source::TableNotEqual<$table::table> for $crate::schema::care_relations::table {}
        impl diesel::query_source::TableNotEqual<$crate::schema::broken_glass::table> for $table::table {}
        impl diesel::query_source::TableNotEqual<$table::table> for $crate::schema::broken_glass::table {}
    )+};
}
