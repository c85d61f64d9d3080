//! Bodies that cannot be read, or break a rule.

use chrono::{DateTime, TimeDelta, Utc};
use hms_tests::{ADMIN_PASSWORD, records};
use serde_json::{Value, json};

use crate::case::Who::{Admin, Ann, Nobody};
use crate::case::{Body, Case, asks, sends};
use crate::world::{World, with, without};

const MALFORMED: (u16, &str) = (400, "MALFORMED_JSON");
const INVALID: (u16, &str) = (400, "INVALID_REQUEST");
const BREAKS_A_RULE: (u16, &str) = (422, "UNPROCESSABLE");
const UNKNOWN: (u16, &str) = (422, "UNKNOWN_REFERENCE");
const NOBODY: &str = "0190a3c2-5b1e-7c4d-9f00-000000000000";

/// No JSON of any shape that could be one, too much of it, or of another type.
pub fn unreadable(world: &World) -> Vec<Case> {
    let post = || asks("", (Admin, "POST", "/api/v1/patients"), MALFORMED);
    let raw = |what, bytes: &[u8]| Case { what, ..post().body(Body::Raw(bytes.to_vec())) };
    let mut cases = vec![
        raw("no body at all", b""),
        raw("JSON that breaks off", br#"{"given_name": "Ann""#),
        raw(
            "JSON with something behind it",
            format!("{} x", records::patient("Ann", "Andersson")).as_bytes(),
        ),
        raw("JSON with a comma too many", br#"{"given_name": "Ann",}"#),
        raw("a form", b"given_name=Ann&family_name=Andersson"),
        raw("a body that is not UTF-8", b"{\"given_name\": \"\xff\xfe\"}"),
        raw("half of a surrogate pair", br#"{"given_name": "\ud800"}"#),
    ];
    let invalid = |what, body| sends(what, (Admin, "POST", "/api/v1/patients"), body, INVALID);
    cases.extend([
        invalid("null", json!(null)),
        invalid("a number", json!(7)),
        invalid("an array instead of an object", json!(["Ann", "Andersson", "1984-02-29", "female"])),
        invalid(
            "an array with every field in its place",
            json!(["Ann", "Andersson", "1984-02-29", "female", null, null, null, [], null]),
        ),
    ]);
    let twice = br#"{"given_name": "Ann", "given_name": "Bo"}"#.to_vec();
    cases.push(asks("a field twice", (Admin, "POST", "/api/v1/patients"), INVALID).body(Body::Raw(twice)));
    let untyped = |what, content_type| {
        let post = asks(what, (Admin, "POST", "/api/v1/patients"), (415, "UNSUPPORTED_MEDIA_TYPE"));
        post.body(Body::Typed(content_type, r#"{"given_name": "Ann"}"#))
    };
    cases.extend([
        untyped("text", "text/plain"),
        untyped("no type at all", ""),
        untyped("XML", "application/xml"),
    ]);
    let mut large = records::patient("Ann", "Andersson");
    large["address"]["line"] = json!("x".repeat(1024 * 1024));
    for (method, path) in [
        ("POST", "/api/v1/patients".to_owned()),
        ("PATCH", format!("/api/v1/patients/{}", world.ann.patient_id())),
        ("POST", "/api/v1/appointments".to_owned()),
        ("POST", "/api/v1/auth/login".to_owned()),
    ] {
        cases.push(sends(
            "more than 1 MiB",
            (Admin, method, &path),
            large.clone(),
            (413, "PAYLOAD_TOO_LARGE"),
        ));
    }
    cases
}

/// Patients who cannot be registered or changed so.
pub fn patients(world: &World) -> Vec<Case> {
    let right = records::patient("Ann", "Andersson");
    let tomorrow_everywhere = records::moment(3, 0).date_naive().to_string();
    let wrong = [
        ("an unknown field", with(&right, "nick", json!("Annie")), INVALID),
        ("an unknown field inside", with(&right, "address.planet", json!("Earth")), INVALID),
        ("a field that is ours to give", with(&right, "mrn", json!("P-00000000")), INVALID),
        ("an owner of one's choice", with(&right, "account_id", json!(world.bo.account_id())), INVALID),
        ("a number for a name", with(&right, "given_name", json!(7)), INVALID),
        ("an object for a name", with(&right, "family_name", json!({"is": "Andersson"})), INVALID),
        ("text for an address", with(&right, "address", json!("1 Main St")), INVALID),
        (
            "an array for an address",
            with(&right, "address", json!(["1 Main St", "Boston", null, "02101", "US"])),
            INVALID,
        ),
        ("an array for an identifier", with(&right, "identifiers", json!([["urn:x", "1"]])), INVALID),
        (
            "an object for a list",
            with(&right, "identifiers", json!({"system": "urn:x", "value": "1"})),
            INVALID,
        ),
        ("an identifier without a value", with(&right, "identifiers", json!([{"system": "urn:x"}])), INVALID),
        ("no name", without(&right, "given_name"), INVALID),
        ("null for a name", with(&right, "given_name", Value::Null), INVALID),
        ("an empty name", with(&right, "given_name", json!("  ")), INVALID),
        ("a name of a book's length", with(&right, "given_name", json!("x".repeat(10_000))), INVALID),
        ("a control character", with(&right, "given_name", json!("Ann\u{0}")), INVALID),
        ("no date of birth", without(&right, "birth_date"), INVALID),
        ("29 February of no leap year", with(&right, "birth_date", json!("1985-02-29")), INVALID),
        ("a thirteenth month", with(&right, "birth_date", json!("1985-13-01")), INVALID),
        ("a date as people write it", with(&right, "birth_date", json!("29.2.1984")), INVALID),
        ("a moment for a date", with(&right, "birth_date", json!("1984-02-29T00:00:00Z")), INVALID),
        ("a number for a date", with(&right, "birth_date", json!(19_840_229)), INVALID),
        ("a birth to come", with(&right, "birth_date", json!(tomorrow_everywhere)), BREAKS_A_RULE),
        ("a birth in 1066", with(&right, "birth_date", json!("1066-10-14")), BREAKS_A_RULE),
        ("a death before birth", with(&right, "deceased_at", json!("1983-01-01T00:00:00Z")), BREAKS_A_RULE),
        ("a death without a zone", with(&right, "deceased_at", json!("2020-01-01T00:00:00")), INVALID),
        ("no gender", without(&right, "gender"), INVALID),
        ("an unknown gender", with(&right, "gender", json!("f")), INVALID),
        ("a phone without a plus", with(&right, "phone", json!("4155552671")), INVALID),
        ("a phone with blanks", with(&right, "phone", json!("+1 415 555 2671")), INVALID),
        ("a phone that begins with 0", with(&right, "phone", json!("+04155552671")), INVALID),
        ("a phone that is too short", with(&right, "phone", json!("+12345")), INVALID),
        ("a phone that is too long", with(&right, "phone", json!("+1234567890123456")), INVALID),
        ("no e-mail address", with(&right, "email", json!("ann")), INVALID),
        ("a line break in the address", with(&right, "email", json!("a@example.org\r\nBcc: b@c.d")), INVALID),
        ("a country that is none", with(&right, "address.country", json!("XX")), INVALID),
        (
            "an identifier twice",
            with(
                &right,
                "identifiers",
                json!([{"system": "urn:x", "value": "1"}, {"system": "urn:x", "value": "1"}]),
            ),
            BREAKS_A_RULE,
        ),
    ];
    let own = format!("/api/v1/patients/{}", world.ann.patient_id());
    let mut cases = Vec::new();
    for (what, body, expected) in wrong {
        cases.push(sends(what, (Admin, "POST", "/api/v1/patients"), body.clone(), expected));
        cases.push(sends(what, (Admin, "PUT", &own), body, expected));
    }
    for (what, body, expected) in [
        ("null for what must be there", json!({"family_name": null}), INVALID),
        ("an unknown field in a patch", json!({"nick": "Annie"}), INVALID),
        ("a wrong type in a patch", json!({"phone": 4_155_552_671_i64}), INVALID),
        ("a status that is none", json!({"status": "asleep"}), INVALID),
        ("death by status alone", json!({"status": "deceased"}), (409, "ILLEGAL_TRANSITION")),
    ] {
        cases.push(sends(what, (Admin, "PATCH", &own), body, expected));
    }
    let stale = sends(
        "a stale version",
        (Admin, "PATCH", &own),
        json!({"phone": null}),
        (412, "PRECONDITION_FAILED"),
    );
    cases.push(stale.header("if-match", "\"999\""));
    cases.push(sends(
        "a second record",
        (Ann, "POST", "/api/v1/patients"),
        right.clone(),
        (409, "DUPLICATE"),
    ));
    for key in [String::new(), "k".repeat(256)] {
        let keyed = sends(
            "a key of no length, or too much",
            (Admin, "POST", "/api/v1/patients"),
            right.clone(),
            INVALID,
        );
        cases.push(keyed.header("idempotency-key", key));
    }
    cases
}

/// Practitioners and departments that cannot be made or changed so.
pub fn directory(world: &World) -> Vec<Case> {
    let right = records::practitioner("Noor", "Haddad");
    let department = json!({"name": "Neurology"});
    let practitioner = format!("/api/v1/practitioners/{}", world.practitioner_id);
    let cardiology = format!("/api/v1/departments/{}", world.department_id);
    let practitioners = [
        ("no name", without(&right, "family_name"), INVALID),
        ("an unknown field", with(&right, "salary", json!(1)), INVALID),
        ("a phone that is none", with(&right, "phone", json!("extension 7")), INVALID),
        ("a department that is no UUID", with(&right, "department_id", json!("cardiology")), INVALID),
        ("an unknown department", with(&right, "department_id", json!(NOBODY)), UNKNOWN),
    ];
    let departments = [
        ("no name", json!({}), INVALID),
        ("an unknown field", with(&department, "beds", json!(12)), INVALID),
        ("an unknown kind", with(&department, "kind", json!("castle")), INVALID),
        ("an address without a country", with(&department, "address", json!({"city": "Bremen"})), INVALID),
    ];
    let mut cases = Vec::new();
    for (what, body, expected) in practitioners {
        cases.push(sends(what, (Admin, "POST", "/api/v1/practitioners"), body.clone(), expected));
        cases.push(sends(what, (Admin, "PUT", &practitioner), body, expected));
    }
    for (what, body, expected) in departments {
        cases.push(sends(what, (Admin, "POST", "/api/v1/departments"), body.clone(), expected));
        cases.push(sends(what, (Admin, "PUT", &cardiology), body, expected));
    }
    cases
}

/// Bookings that cannot be made or moved so.
pub fn appointments(world: &World) -> Vec<Case> {
    let right = world.free_slot();
    let start: DateTime<Utc> = right["start"].as_str().unwrap().parse().unwrap();
    let at = |minutes| json!(records::rfc3339(start + TimeDelta::minutes(minutes)));
    let taken = records::booking(world.bo.patient_id(), &world.practitioner_id, records::moment(7, 615));
    let wrong = [
        ("an end before the start", with(&right, "end", at(-30)), BREAKS_A_RULE),
        ("an end at the start", with(&right, "end", at(0)), BREAKS_A_RULE),
        ("more than a day", with(&right, "end", at(24 * 60 + 1)), BREAKS_A_RULE),
        (
            "a time that is over",
            records::booking(world.ann.patient_id(), &world.practitioner_id, start - TimeDelta::days(30)),
            BREAKS_A_RULE,
        ),
        ("a start without a zone", with(&right, "start", json!("2031-03-03T09:00:00")), INVALID),
        ("an end without a zone", with(&right, "end", json!("2031-03-03T09:00:00")), INVALID),
        ("a date for a time", with(&right, "start", json!("2031-03-03")), INVALID),
        ("30 February", with(&right, "start", json!("2031-02-30T09:00:00Z")), INVALID),
        ("a twenty-fifth hour", with(&right, "start", json!("2031-03-03T25:00:00Z")), INVALID),
        ("a number for a time", with(&right, "start", json!(1_930_294_800)), INVALID),
        ("no start", without(&right, "start"), INVALID),
        ("no patient", without(&right, "patient_id"), INVALID),
        ("an id that is no UUID", with(&right, "patient_id", json!("ann")), INVALID),
        ("a number for an id", with(&right, "practitioner_id", json!(7)), INVALID),
        ("an unknown patient", with(&right, "patient_id", json!(NOBODY)), UNKNOWN),
        ("an unknown practitioner", with(&right, "practitioner_id", json!(NOBODY)), UNKNOWN),
        ("an unknown department", with(&right, "department_id", json!(NOBODY)), UNKNOWN),
        ("an unknown field", with(&right, "room", json!("12")), INVALID),
        ("a status it cannot begin with", with(&right, "status", json!("arrived")), INVALID),
        ("an outcome before the time", with(&right, "status", json!("fulfilled")), BREAKS_A_RULE),
        ("a reason that is none", with(&right, "reason", json!("")), INVALID),
        ("a slot that is taken", taken, (409, "SLOT_TAKEN")),
    ];
    let mut cases: Vec<_> = wrong
        .into_iter()
        .map(|(what, body, expected)| sends(what, (Admin, "POST", "/api/v1/appointments"), body, expected))
        .collect();
    let anns = format!("/api/v1/appointments/{}", world.anns_appointment);
    let cancel = format!("{anns}/cancel");
    for (what, path, method, body, expected) in [
        ("a move to before its start", &anns, "PATCH", json!({"start": at(0), "end": at(-1)}), BREAKS_A_RULE),
        ("an end that is over", &anns, "PATCH", json!({"end": "2020-01-01T00:00:00Z"}), BREAKS_A_RULE),
        ("another patient", &anns, "PATCH", json!({"patient_id": world.bo.patient_id()}), INVALID),
        ("no time at all", &anns, "PATCH", json!({"start": null}), INVALID),
        ("a move without a zone", &anns, "PATCH", json!({"start": "2031-03-03T09:00:00"}), INVALID),
        ("a move to a taken slot", &anns, "PATCH", moved_onto_bo(), (409, "SLOT_TAKEN")),
        ("a move to an unknown place", &anns, "PATCH", json!({"department_id": NOBODY}), UNKNOWN),
        ("a cancellation without a reason", &cancel, "POST", json!({}), INVALID),
        (
            "a cancellation with more than that",
            &cancel,
            "POST",
            json!({"reason": "x", "refund": true}),
            INVALID,
        ),
    ] {
        cases.push(sends(what, (Admin, method, path), body, expected));
    }
    for step in ["fulfil", "noshow"] {
        let path = format!("{anns}/{step}");
        let stale = asks("a stale version", (Admin, "POST", &path), (412, "PRECONDITION_FAILED"));
        cases.push(stale.header("if-match", "\"999\""));
    }
    cases
}

fn moved_onto_bo() -> Value {
    let at = |minutes| records::rfc3339(records::moment(7, minutes));
    json!({"start": at(665), "end": at(680)})
}

/// Accounts that cannot be made, and sign-ins that fail.
pub fn accounts(world: &World) -> Vec<Case> {
    let email = records::email("new");
    let right = json!({"email": email, "password": ADMIN_PASSWORD});
    let staff = with(&right, "roles", json!(["nurse"]));
    let mut cases: Vec<_> = [
        ("a role of one's choice", with(&right, "roles", json!(["admin"])), INVALID),
        ("a patient of one's choice", with(&right, "patient_id", json!(world.bo.patient_id())), INVALID),
        ("no e-mail address", with(&right, "email", json!("ann")), INVALID),
        ("no password", without(&right, "password"), INVALID),
        ("a user name with a blank", with(&right, "username", json!("ann andersson")), INVALID),
        ("a short password", with(&right, "password", json!("tin-plover")), (422, "WEAK_PASSWORD")),
        ("a common password", with(&right, "password", json!("123456789012345")), (422, "WEAK_PASSWORD")),
        (
            "the e-mail address as the password",
            with(&right, "password", json!(email)),
            (422, "WEAK_PASSWORD"),
        ),
        ("an address that has an account", with(&right, "email", json!(world.ann.email)), (409, "DUPLICATE")),
    ]
    .into_iter()
    .map(|(what, body, expected)| sends(what, (Nobody, "POST", "/api/v1/auth/register"), body, expected))
    .collect();
    for (what, body, expected) in [
        ("no roles", without(&staff, "roles"), INVALID),
        ("an empty list of roles", with(&staff, "roles", json!([])), BREAKS_A_RULE),
        ("an unknown role", with(&staff, "roles", json!(["king"])), INVALID),
    ] {
        cases.push(sends(what, (Admin, "POST", "/api/v1/accounts"), body, expected));
    }
    for (path, body, expected) in [
        (
            "/api/v1/auth/login",
            json!({"username": "admin", "password": "wrong"}),
            (401, "INVALID_CREDENTIALS"),
        ),
        (
            "/api/v1/auth/token",
            json!({"username": "nobody", "password": "wrong"}),
            (401, "INVALID_CREDENTIALS"),
        ),
        ("/api/v1/auth/login", json!({"username": "admin"}), INVALID),
        ("/api/v1/auth/login", json!({"username": "admin", "password": {"$ne": ""}}), INVALID),
        ("/api/v1/auth/refresh", json!({"refresh": "never given"}), (401, "UNAUTHENTICATED")),
        ("/api/v1/auth/refresh", json!({}), INVALID),
        ("/api/v1/auth/logout", json!({"refresh": 7}), INVALID),
    ] {
        cases.push(sends("a sign-in that is none", (Nobody, "POST", path), body, expected));
    }
    cases
}
