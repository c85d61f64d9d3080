//! Ways that lead nowhere, or not for this caller.

use hms_tests::records;
use serde_json::json;

use crate::case::Who::{Admin, Ann, Nobody, Receptionist};
use crate::case::{Case, asks, sends};
use crate::world::World;

const NO_ROUTE: (u16, &str) = (404, "ROUTE_NOT_FOUND");
const NO_RECORD: (u16, &str) = (404, "NOT_FOUND");
const WRONG_METHOD: (u16, &str) = (405, "METHOD_NOT_ALLOWED");
const INVALID: (u16, &str) = (400, "INVALID_REQUEST");
const FORBIDDEN: (u16, &str) = (403, "FORBIDDEN");
const NOBODY: &str = "0190a3c2-5b1e-7c4d-9f00-000000000000";

/// Unknown routes and records, ids that are none, methods that a route does not know.
pub fn paths_and_methods(world: &World) -> Vec<Case> {
    let ann = format!("/api/v1/patients/{}", world.ann.patient_id());
    let mut cases: Vec<_> = [
        ("/nowhere", NO_ROUTE),
        ("/", NO_ROUTE),
        ("/api/v1", NO_ROUTE),
        ("/api/v1/unicorns", NO_ROUTE),
        ("/api/v2/patients", NO_ROUTE),
        ("/patients", NO_ROUTE),
        ("/api/v1/Patients", NO_ROUTE),
        ("/api/v1/auth", NO_ROUTE),
        ("/api/v1/patients//me", (400, "INVALID_PATH")),
        ("/api/v1/patients/%00", (400, "INVALID_PATH")),
        ("/api/v1/patients/a%2Fb", (400, "INVALID_PATH")),
        ("/api/v1/patients/%zz", (400, "INVALID_PATH")),
    ]
    .into_iter()
    .map(|(path, expected)| asks("a path that leads nowhere", (Admin, "GET", path), expected))
    .collect();
    cases.push(asks("a path behind a record", (Admin, "GET", &format!("{ann}/unicorns")), NO_ROUTE));
    for list in
        ["patients", "practitioners", "departments", "appointments", "notifications", "audit", "accounts"]
    {
        let wrong = format!("/api/v1/{list}/not-a-uuid");
        cases.push(asks("an id that is no UUID", (Admin, "GET", &wrong), INVALID));
        let unknown = format!("/api/v1/{list}/{NOBODY}");
        cases.push(asks("an id of nothing", (Admin, "GET", &unknown), NO_RECORD));
        cases.push(asks(
            "a list that is deleted",
            (Admin, "DELETE", &format!("/api/v1/{list}")),
            WRONG_METHOD,
        ));
    }
    for (method, path) in [
        ("GET", "/api/v1/auth/login"),
        ("PUT", "/api/v1/auth/register"),
        ("POST", "/api/v1/auth/me"),
        ("PATCH", "/api/v1/patients"),
        ("POST", &ann),
        ("POST", "/api/v1/audit"),
        ("POST", "/api/v1/notifications"),
        ("TRACE", "/api/v1/patients"),
        ("PURGE", "/api/v1/patients"),
    ] {
        cases.push(asks("a method that the route does not know", (Admin, method, path), WRONG_METHOD));
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        let path = format!("/api/v1/audit/{NOBODY}");
        cases.push(asks("an edit of the audit", (Admin, method, &path), WRONG_METHOD));
    }
    cases
}

/// Another role's routes, and another patient's records: whether these exist is not told.
pub fn others_routes_and_records(world: &World) -> Vec<Case> {
    let (own, bo) = (world.ann.patient_id(), world.bo.patient_id());
    let own = format!("/api/v1/patients/{own}");
    let bos = format!("/api/v1/patients/{bo}");
    let bos_appointment = format!("/api/v1/appointments/{}", world.bos_appointment);
    let anns_appointment = format!("/api/v1/appointments/{}", world.anns_appointment);
    let practitioner = format!("/api/v1/practitioners/{}", world.practitioner_id);
    let patch = json!({"phone": "+4930123456"});
    let mut for_bo = world.free_slot();
    for_bo["patient_id"] = json!(bo);
    let mut recorded = world.free_slot();
    recorded["status"] = json!("fulfilled");
    let account =
        json!({"email": records::email("x"), "password": "planted7391-plover-94-lagoon", "roles": ["admin"]});
    let made = records::practitioner("Noor", "Haddad");
    let others_routes = [
        sends("a patient who hires", (Ann, "POST", "/api/v1/practitioners"), made.clone(), FORBIDDEN),
        sends("a receptionist who hires", (Receptionist, "POST", "/api/v1/practitioners"), made, FORBIDDEN),
        asks("a patient who dismisses", (Ann, "DELETE", &practitioner), FORBIDDEN),
        sends(
            "a patient who builds",
            (Ann, "POST", "/api/v1/departments"),
            json!({"name": "Spa"}),
            FORBIDDEN,
        ),
        asks("a patient who reads the audit", (Ann, "GET", "/api/v1/audit"), FORBIDDEN),
        asks("a patient who looks for accounts", (Ann, "GET", "/api/v1/accounts"), FORBIDDEN),
        sends("a patient who makes an admin", (Ann, "POST", "/api/v1/accounts"), account.clone(), FORBIDDEN),
        sends(
            "a receptionist who makes an admin",
            (Receptionist, "POST", "/api/v1/accounts"),
            account,
            FORBIDDEN,
        ),
        asks("a patient at the desk", (Ann, "POST", &format!("{anns_appointment}/arrive")), FORBIDDEN),
        sends("a patient who records the past", (Ann, "POST", "/api/v1/appointments"), recorded, FORBIDDEN),
        sends("a patient of another name", (Ann, "PATCH", &own), json!({"family_name": "King"}), FORBIDDEN),
        asks("a patient who leaves", (Ann, "DELETE", &own), FORBIDDEN),
    ];
    let others_records = [
        asks("", (Ann, "GET", &bos), NO_RECORD),
        sends("", (Ann, "PATCH", &bos), patch.clone(), NO_RECORD),
        sends("", (Ann, "PUT", &bos), records::patient("Ann", "Andersson"), NO_RECORD),
        asks("", (Ann, "DELETE", &bos), NO_RECORD),
        asks("", (Ann, "GET", &bos_appointment), NO_RECORD),
        sends("", (Ann, "PATCH", &bos_appointment), json!({"reason": "mine now"}), NO_RECORD),
        sends(
            "",
            (Ann, "POST", &format!("{bos_appointment}/cancel")),
            json!({"reason": "mine now"}),
            NO_RECORD,
        ),
        asks("", (Ann, "DELETE", &bos_appointment), NO_RECORD),
        sends("", (Ann, "POST", "/api/v1/appointments"), for_bo, FORBIDDEN),
    ];
    let anonymous = [
        asks("", (Nobody, "GET", &own), (401, "UNAUTHENTICATED")),
        sends("", (Nobody, "PATCH", &own), patch, (401, "UNAUTHENTICATED")),
        asks("", (Nobody, "DELETE", &anns_appointment), (401, "UNAUTHENTICATED")),
    ];
    let named = |what, cases: Vec<Case>| cases.into_iter().map(move |case| Case { what, ..case });
    let records = named("another patient's record", others_records.into());
    others_routes.into_iter().chain(records).chain(named("no token", anonymous.into())).collect()
}
