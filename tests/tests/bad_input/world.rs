//! The records that the cases are about.

use hms_model::role::Role;
use hms_tests::{Kind, Person, Platform, records};
use serde_json::{Value, json};

/// A hospital with two patients, who know nothing of each other.
pub struct World {
    pub platform: Platform,
    pub admin: Person,
    pub receptionist: Person,
    pub ann: Person,
    pub bo: Person,
    pub practitioner_id: String,
    pub department_id: String,
    /// Ann's appointment, on the seventh day from 10:00.
    pub anns_appointment: String,
    pub bos_appointment: String,
    /// A token of the admin that was good once.
    pub expired: String,
}

impl World {
    /// The first start gives tokens that live for a second, for one that has expired.
    pub async fn new(kind: Kind) -> Self {
        let mut platform = Platform::prepare(kind).with("TOKEN_EXPIRY", "1s");
        platform.launch().await;
        let expired = platform.admin().await.client.token().unwrap().to_owned();
        platform.set("TOKEN_EXPIRY", "");
        platform.restart().await;

        let admin = platform.admin().await;
        let receptionist = platform.account(&admin, &[Role::Receptionist]).await;
        let (ann, bo) = (platform.register_patient().await, platform.register_patient().await);
        let practitioner = records::practitioner("Mia", "Chen");
        let practitioner_id = admin.make("/api/v1/practitioners", &practitioner).await;
        let department_id = admin.make("/api/v1/departments", &json!({"name": "Cardiology"})).await;
        let booking = |patient: &Person, minutes| {
            records::booking(patient.patient_id(), &practitioner_id, records::moment(7, minutes))
        };
        let anns_appointment = ann.book(&booking(&ann, 600)).await.text("id");
        let bos_appointment = bo.book(&booking(&bo, 660)).await.text("id");
        Self {
            platform,
            admin,
            receptionist,
            ann,
            bo,
            practitioner_id,
            department_id,
            anns_appointment,
            bos_appointment,
            expired,
        }
    }

    /// A booking for Ann of a time that is free.
    pub fn free_slot(&self) -> Value {
        records::booking(self.ann.patient_id(), &self.practitioner_id, records::moment(8, 600))
    }
}

/// The same record with another value at a place such as `address.country`.
pub fn with(record: &Value, place: &str, value: Value) -> Value {
    let mut changed = record.clone();
    *place.split('.').fold(&mut changed, |part, name| &mut part[name]) = value;
    changed
}

/// The same record without a field.
pub fn without(record: &Value, field: &str) -> Value {
    let mut changed = record.clone();
    changed.as_object_mut().unwrap().remove(field).unwrap();
    changed
}
