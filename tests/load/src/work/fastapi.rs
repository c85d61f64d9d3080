//! The API of the small stack in `tests/peers/python-stack`, which has no idempotency keys and no slots.

use serde_json::json;

use super::{Ask, Booking, Written, new_name};

/// What an answer says when the slot is taken.
pub(super) const TAKEN: &[u8] = b"provider is not free";

pub(super) fn write(ask: Ask<'_>) -> Written {
    match ask {
        Ask::Patient(id) => Written::get(format!("/patients/{id}")),
        Ask::Page(number) => Written::get(format!("/patients?page={number}")),
        Ask::Named(part) => Written::get(format!("/patients?search={part}")),
        Ask::Booking(booking) => Written::post("/appointments", body(booking)),
        Ask::Registration => Written::post("/patients", person()),
        Ask::SignIn(_) => {
            let (name, password) = crate::hospital::FASTAPI_DOCTOR;
            Written::post("/auth/login", json!({"username": name, "password": password}).to_string())
        }
        // Nothing that it has; a request that fails says so.
        Ask::Slots => Written::get("/slots"),
        Ask::Invoice(_) => Written::get("/invoices"),
    }
}

fn body(Booking { patient, practitioner, start, end }: Booking<'_>) -> String {
    format!(
        r#"{{"patient_id":"{patient}","provider_id":{practitioner},"starts_at":"{start}","ends_at":"{end}","reason":"check-up"}}"#
    )
}

fn person() -> String {
    let (name, mrn) = (new_name(), fastrand::u64(..));
    format!(
        r#"{{"mrn":"B{mrn}","first_name":"Ann","last_name":"{name}","date_of_birth":"1980-01-01","gender":"female","phone":"+919876543210"}}"#
    )
}
