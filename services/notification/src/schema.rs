//! The tables of the notification service.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use hms_db::sql::Uid;
    patients (id) {
        id -> Uid,
        version -> BigInt,
        name -> Text,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        language -> Nullable<Text>,
        has_account -> Bool,
        active -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::{Doc, Tstz, Uid};
    messages (id) {
        id -> Uid,
        version -> BigInt,
        event_id -> Uid,
        kind -> Text,
        channel -> Text,
        status -> Text,
        patient_id -> Uid,
        facts -> Doc,
        subject -> Text,
        recipient -> Nullable<Text>,
        body -> Nullable<Text>,
        attempts -> BigInt,
        due_at -> Tstz,
        created_at -> Tstz,
        sent_at -> Nullable<Tstz>,
        error -> Nullable<Text>,
        occasion -> Text,
        lane -> BigInt,
        appointment_id -> Nullable<Uid>,
        expires_at -> Nullable<Tstz>,
        read_at -> Nullable<Tstz>,
        job_at -> Tstz,
        devices -> Nullable<Doc>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    message_attempts (id) {
        id -> Uid,
        message_id -> Uid,
        number -> BigInt,
        at -> Tstz,
        took_ms -> BigInt,
        outcome -> Text,
        provider_id -> Nullable<Text>,
        reason -> Nullable<Text>,
        subscription_id -> Nullable<Uid>,
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
    use diesel::sql_types::BigInt;
    use hms_db::sql::{Doc, Tstz, Uid};
    appointments (id) {
        id -> Uid,
        version -> BigInt,
        start_at -> Tstz,
        facts -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;
    use hms_db::sql::{Tstz, Uid};
    reminders (appointment_id, lead) {
        appointment_id -> Uid,
        lead -> BigInt,
        due_at -> Tstz,
        event_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use hms_db::sql::{Doc, Tstz, Uid};
    notification_preferences (patient_id) {
        patient_id -> Uid,
        version -> BigInt,
        channels -> Doc,
        quiet -> Nullable<Doc>,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    push_subscriptions (id) {
        id -> Uid,
        patient_id -> Uid,
        account_id -> Uid,
        kind -> Text,
        address -> Text,
        p256dh -> Nullable<Text>,
        auth -> Nullable<Text>,
        created_at -> Tstz,
        sealed -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use hms_db::sql::Tstz;
    dead_addresses (channel, address) {
        channel -> Text,
        address -> Text,
        since -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use hms_db::sql::{Tstz, Uid};
    notification_templates (id) {
        id -> Uid,
        kind -> Text,
        channel -> Text,
        language -> Text,
        version -> BigInt,
        subject -> Text,
        body -> Text,
        author_id -> Uid,
        created_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    account_mails (id) {
        id -> Uid,
        version -> BigInt,
        event_id -> Uid,
        kind -> Text,
        status -> Text,
        recipient -> Nullable<Text>,
        subject -> Text,
        body -> Nullable<Text>,
        attempts -> BigInt,
        due_at -> Tstz,
        expires_at -> Tstz,
        created_at -> Tstz,
        error -> Nullable<Text>,
        job_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::{Doc, Tstz, Uid};
    webhooks (id) {
        id -> Uid,
        version -> BigInt,
        url -> Text,
        description -> Nullable<Text>,
        events -> Doc,
        department_id -> Nullable<Uid>,
        signing -> Text,
        sealed_key -> Text,
        previous_key -> Nullable<Text>,
        previous_until -> Nullable<Tstz>,
        public_key -> Nullable<Text>,
        contact_email -> Nullable<Text>,
        account_id -> Uid,
        disabled_reason -> Nullable<Text>,
        disabled_at -> Nullable<Tstz>,
        failing_since -> Nullable<Tstz>,
        created_at -> Tstz,
        updated_at -> Tstz,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    webhook_deliveries (id) {
        id -> Uid,
        version -> BigInt,
        webhook_id -> Uid,
        event_id -> Uid,
        event_type -> Text,
        payload -> Text,
        patient_id -> Nullable<Uid>,
        status -> Text,
        step -> BigInt,
        attempts -> BigInt,
        due_at -> Tstz,
        created_at -> Tstz,
        ended_at -> Nullable<Tstz>,
        last_status -> Nullable<BigInt>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use hms_db::sql::{Tstz, Uid};
    webhook_attempts (id) {
        id -> Uid,
        delivery_id -> Uid,
        number -> BigInt,
        url -> Text,
        at -> Tstz,
        took_ms -> BigInt,
        status -> Nullable<BigInt>,
        body -> Nullable<Text>,
        error -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(webhooks, webhook_deliveries);
diesel::allow_tables_to_appear_in_same_query!(patients, notification_preferences, push_subscriptions);
hms_care::held_to_care!(messages, push_subscriptions);
