//! Lists that are asked for in a way they do not know.

use crate::case::Who::Admin;
use crate::case::{Case, asks};

const INVALID: (u16, &str) = (400, "INVALID_REQUEST");
const UNKNOWN_FILTER: (u16, &str) = (400, "UNKNOWN_FILTER");
const LISTS: [&str; 7] =
    ["patients", "practitioners", "departments", "appointments", "notifications", "audit", "accounts"];

/// What no list takes, and what single ones do not.
pub fn lists() -> Vec<Case> {
    let too_long = format!("search={}", "x".repeat(201));
    let everywhere = [
        ("page 0", "page=0", INVALID),
        ("a negative page", "page=-1", INVALID),
        ("a page beyond all", "page=1000001", INVALID),
        ("a page that is no number", "page=two", INVALID),
        ("an empty page", "page=", INVALID),
        ("a page of no size", "page_size=0", INVALID),
        ("a page of too much", "page_size=101", INVALID),
        ("a cursor that is not ours", "cursor=nonsense", INVALID),
        ("a page and a cursor", "page=2&cursor=", INVALID),
        ("an order by a secret", "ordering=password", INVALID),
        ("an order by a cursor", "cursor=&ordering=created_at", INVALID),
        ("an unknown filter", "nick=Annie", UNKNOWN_FILTER),
        ("an unknown comparison", "created_at__near=2026-01-01T00:00:00Z", UNKNOWN_FILTER),
        ("half a percent-encoding of no text", "nick=%ff", UNKNOWN_FILTER),
    ];
    let mut cases = Vec::new();
    for list in LISTS {
        for (what, query, expected) in everywhere {
            // The audit has another time to order by, and no created_at.
            let expected = if list == "audit" && what == "an order by a cursor" { INVALID } else { expected };
            cases.push(asks(what, (Admin, "GET", &format!("/api/v1/{list}?{query}")), expected));
        }
    }
    for (what, query, expected) in [
        ("a status that is none", "patients?status=asleep", INVALID),
        ("a range of what has no order", "patients?status__gt=active", UNKNOWN_FILTER),
        ("an age in words", "patients?age__gte=old", INVALID),
        ("a negative age", "patients?age__lt=-1", INVALID),
        ("a date that is none", "patients?birth_date=1985-02-29", INVALID),
        ("a phone that is none", "patients?phone=4155552671", INVALID),
        ("an identifier without a system", "patients?identifier=123", INVALID),
        ("a time without a zone", "patients?created_at__gte=2026-01-01T00:00:00", INVALID),
        ("a search of a book's length", "", INVALID),
        ("one of several that is none", "appointments?status__in=booked,asleep", INVALID),
        ("a start without a zone", "appointments?start__gte=2026-01-01T00:00:00", INVALID),
        ("an id that is no UUID", "appointments?patient_id=ann", INVALID),
        ("a search where there is none", "audit?search=ann", UNKNOWN_FILTER),
        ("an act that is none", "audit?action=peek", INVALID),
        ("a role that is none", "accounts?role=king", INVALID),
        ("a kind that is none", "notifications?kind=gossip", INVALID),
    ] {
        let query = if query.is_empty() { format!("patients?{too_long}") } else { query.to_owned() };
        cases.push(asks(what, (Admin, "GET", &format!("/api/v1/{query}")), expected));
    }
    cases
}
