//! No operation without an authorisation case: every operation of the merged document × every role, nobody, a key of a
//! department and another service, against a table; and beside it every operation on a record × one's own record and another's,
//! and × in one's care and out of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod care_team;
mod objects;
mod programs;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hms_model::Coded;
use hms_model::role::Role;
use hms_tests::api::{Operation, operations};
use hms_tests::{Answer, Client, Platform, on_both_kinds};
use serde_json::json;
use table::{Expected, Standing, Table};
use tokio::time::timeout;

/// Ends the sessions of whoever calls it, so it comes last.
const LAST: &str = "DELETE /api/v1/auth/sessions";
/// How long an answer may take.
const GIVEN: Duration = Duration::from_secs(2);
/// A record that is not there, so that nobody changes anything even where they may.
const NO_RECORD: &str = "0190a3c2-5b1e-7c4d-9f00-000000000000";

on_both_kinds! {
    async fn every_operation_by_every_role(kind) {
        let platform = Platform::start(kind).await;
        let (operations, table) = (documented(&platform).await, Table::read());
        let differences = table.differences(&operations);
        assert!(differences.is_empty(), "the document, and expected.txt:\n{}", differences.join("\n"));
        let callers = callers(&platform, &table).await;
        let mut walked = BTreeSet::new();
        let mut complaints = Vec::new();
        let (last, others): (Vec<_>, Vec<_>) =
            operations.values().partition(|operation| operation.name() == LAST);
        for operation in others.into_iter().chain(last) {
            for caller in &callers {
                let expected = table.expected(operation, caller.standing);
                if streams(operation) && expected == Expected::Admitted {
                    complaints.extend(no_stream(operation, caller).await);
                    walked.insert(operation.name());
                    continue;
                }
                let answer = timeout(GIVEN, try_out(caller, operation)).await;
                let answer = answer.unwrap_or_else(|_| panic!("{} by {}: no end", operation.name(), caller.name));
                complaints.extend(complaint(operation, caller, expected, &answer));
                if !matches!(answer.code(), "ROUTE_NOT_FOUND" | "METHOD_NOT_ALLOWED") {
                    walked.insert(operation.name());
                }
            }
        }
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        let left: Vec<_> = operations.keys().filter(|name| !walked.contains(*name)).collect();
        assert!(left.is_empty(), "in the document, and nowhere else: {left:?}");
    }

    async fn ones_own_records_and_others(kind) {
        let platform = Platform::start(kind).await;
        let operations = documented(&platform).await;
        let desk = objects::Desk::new(&platform).await;
        let cases = desk.cases();
        objects::cover_what_patients_may(&operations, &cases);
        for case in &cases {
            desk.try_out(case).await;
        }
        desk.lists_show_ones_own().await;
    }

    async fn keys_of_a_department_and_its_records_and_others(kind) {
        let platform = Platform::start(kind).await;
        let operations = documented(&platform).await;
        let desk = objects::Desk::new(&platform).await;
        programs::keys_reach_their_department(&desk, &operations, &Table::read()).await;
    }

    async fn those_who_treat_see_their_patients_alone_where_it_is_so_configured(kind) {
        let mut platform = Platform::prepare(kind).with("HMS_RECORD_ACCESS", "care_team");
        platform.launch().await;
        let operations = documented(&platform).await;
        let desk = objects::Desk::new(&platform).await;
        care_team::those_who_treat_see_their_patients(&platform, &desk, &operations).await;
    }
}

async fn documented(platform: &Platform) -> BTreeMap<String, Operation> {
    let document = platform.gateway().get("/api/schema").await;
    let operations = operations(&document.expect(200).body);
    assert!(operations.len() > 30, "the document has {} operations only", operations.len());
    operations
}

/// Somebody who calls.
struct Caller {
    name: &'static str,
    client: Client,
    /// How they show themselves, if not by the token of the client.
    headers: Vec<(&'static str, String)>,
    standing: Standing,
}

async fn callers(platform: &Platform, table: &Table) -> Vec<Caller> {
    let admin = platform.admin().await;
    let caller = |name, client, standing| Caller { name, client, headers: Vec::new(), standing };
    let mut callers = vec![
        caller("nobody", platform.gateway(), Standing::Nobody),
        caller("another service", programs::of_a_service(platform).await, Standing::Nobody),
    ];
    for role in Role::ALL {
        let person = platform.account(&admin, &[*role]).await;
        callers.push(caller(role.code(), person.client, Standing::Role(*role)));
    }
    let department = admin.make("/api/v1/departments", &json!({"name": "Somewhere else"})).await;
    let key = programs::key(&admin, &department, &table.scopes_of_a_key()).await;
    let bound = caller("a key of a department", platform.gateway(), Standing::Key);
    callers.push(Caller { headers: vec![("authorization", format!("ApiKey {key}"))], ..bound });
    callers
}

impl Caller {
    fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
}

/// The body is empty, so that nothing is done where it is allowed; who calls is looked at first.
async fn try_out(caller: &Caller, operation: &Operation) -> Answer {
    let (client, path, headers) = (&caller.client, operation.path_with(NO_RECORD), caller.headers());
    match operation.document.get("requestBody") {
        Some(_) => client.json(&operation.method, &path, &json!({}), &headers).await,
        None => client.request(&operation.method, &path, &headers, None).await,
    }
}

/// Whether its answer goes on for as long as somebody listens.
fn streams(operation: &Operation) -> bool {
    operation.document["responses"]["200"]["content"].get("text/event-stream").is_some()
}

/// Whoever may listen hears: the head of the answer is there at once, and its body does not end.
async fn no_stream(operation: &Operation, caller: &Caller) -> Option<String> {
    let opened = timeout(GIVEN, caller.client.open(&operation.path_with(NO_RECORD), &caller.headers())).await;
    let said = match opened {
        Ok(answer) if answer.status() == 200 && answer.headers()["content-type"] == "text/event-stream" => {
            return None;
        }
        Ok(answer) => format!("{} {:?}", answer.status(), answer.headers().get("content-type")),
        Err(_) => "nothing".to_owned(),
    };
    Some(format!("- {} by {}: expected a stream, but {said}", operation.name(), caller.name))
}

/// What the table says must be what comes of it.
fn complaint(operation: &Operation, caller: &Caller, expected: Expected, answer: &Answer) -> Option<String> {
    let by_scope = answer.status == 403 && answer.body["error"]["details"]["scope"].is_string();
    let right = match expected {
        // A sign-in without a name is no sign-in without a token; who shows a bad one gains nothing by it.
        Expected::Open => {
            let shows_a_bad_one = caller.standing == Standing::Nobody && caller.client.token().is_some();
            answer.status < 500 && !by_scope && (answer.status != 401 || shows_a_bad_one)
        }
        Expected::Admitted => answer.status < 500 && answer.status != 401 && !by_scope,
        Expected::NoToken => answer.status == 401 && answer.code() == "UNAUTHENTICATED",
        Expected::NoScope => by_scope && answer.code() == "FORBIDDEN",
        Expected::NotInPerson => answer.status == 403 && answer.code() == "FORBIDDEN",
    };
    let name = operation.name();
    (!right).then(|| {
        format!("- {name} by {}: expected {expected:?}, but {} {}", caller.name, answer.status, answer.body)
    })
}
