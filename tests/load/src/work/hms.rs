//! The API of HMS.

use serde_json::{Value, json};

use super::{Ask, Booking, Written, new_name};
use crate::api::IDEMPOTENCY_KEY;

/// What an answer says when the slot is taken.
pub(super) const TAKEN: &[u8] = b"\"SLOT_TAKEN\"";
/// What is searched for among the slots.
const SEARCHES: [&str; 2] = ["/api/v1/slots", "/api/v1/slots?first=true&page_size=100"];

pub(super) fn write(ask: Ask<'_>) -> Written {
    match ask {
        Ask::Patient(id) => Written::get(format!("/api/v1/patients/{id}")),
        Ask::Page(number) => Written::get(format!("/api/v1/patients?page={number}")),
        Ask::Named(part) => Written::get(format!("/api/v1/patients?search={part}")),
        Ask::Booking(booking) => once("/api/v1/appointments", body(booking)),
        Ask::Registration => once("/api/v1/patients", person()),
        Ask::Invoice(patient) => once("/api/v1/billing/invoices", invoice(patient).to_string()),
        Ask::SignIn(who) => {
            let (name, password) = who.map(|who| who.both()).unwrap_or_default();
            Written::post("/api/v1/auth/login", json!({"username": name, "password": password}).to_string())
        }
        Ask::Slots => Written::get(fastrand::choice(SEARCHES).unwrap_or_default()),
    }
}

/// A POST that may be repeated.
fn once(path: &str, body: String) -> Written {
    let key = (IDEMPOTENCY_KEY, format!("{:032x}", fastrand::u128(..)));
    Written { headers: vec![key], ..Written::post(path, body) }
}

fn body(Booking { patient, practitioner, start, end }: Booking<'_>) -> String {
    format!(
        r#"{{"patient_id":"{patient}","practitioner_id":"{practitioner}","start":"{start}","end":"{end}","reason":"check-up"}}"#
    )
}

/// What somebody owes for a visit, to be issued at once.
fn invoice(patient: &str) -> Value {
    json!({
        "patient_id": patient, "currency": "EUR", "issue": {},
        "lines": [
            {"description": "Consultation", "unit_price": 6_500, "tax_rate": 0},
            {"description": "Blood count", "unit_price": 1_250, "quantity": "2", "tax_rate": 190_000},
            {"description": "Dressing", "unit_price": 480, "quantity": "3", "tax_rate": 70_000},
        ],
    })
}

fn person() -> String {
    let name = new_name();
    format!(r#"{{"given_name":"Ann","family_name":"{name}","birth_date":"1980-01-01","gender":"female"}}"#)
}
