//! No operation without an authorisation case: every operation of the merged document × every role and nobody, and
//! beside it every operation on a record × one's own record and another's, and × in one's care and out of it.

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

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use hms_model::Coded;
use hms_model::role::Role;
use hms_tests::api::{Asks, Operation, operations};
use hms_tests::{Answer, Client, Platform, on_both_kinds};
use serde_json::json;
use tokio::time::timeout;

/// The operations that ask for no token. One more is a decision, and is written down here.
const PUBLIC: &[&str] = &[
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/login/mfa",
    "POST /api/v1/auth/invitation",
    "POST /api/v1/auth/verification",
    "POST /api/v1/auth/verification/confirm",
    "POST /api/v1/auth/password/forgotten",
    "POST /api/v1/auth/password/reset",
    "POST /api/v1/auth/token",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/logout",
    // Signed by the payment provider.
    "POST /api/v1/billing/payments/webhook",
    // People sign in on the page itself, and clients show a secret of their own.
    "GET /api/v1/oauth/authorize",
    "POST /api/v1/oauth/authorize",
    "POST /api/v1/oauth/token",
    "POST /api/v1/oauth/revoke",
    "POST /api/v1/oauth/introspect",
];
/// Ends the sessions of whoever calls it, so it comes last.
const LAST: &str = "DELETE /api/v1/auth/sessions";
/// How long an answer may take.
const GIVEN: Duration = Duration::from_secs(2);
/// A record that is not there, so that nobody changes anything even where they may.
const NO_RECORD: &str = "0190a3c2-5b1e-7c4d-9f00-000000000000";

on_both_kinds! {
    async fn every_operation_by_every_role(kind) {
        let platform = Platform::start(kind).await;
        let operations = documented(&platform).await;
        let callers = callers(&platform).await;
        let mut walked = BTreeSet::new();
        let mut complaints = Vec::new();
        let (last, others): (Vec<_>, Vec<_>) =
            operations.values().partition(|operation| operation.name() == LAST);
        for operation in others.into_iter().chain(last) {
            for caller in &callers {
                if streams(operation) && allowed(operation, caller) {
                    complaints.extend(no_stream(operation, caller).await);
                    walked.insert(operation.name());
                    continue;
                }
                let answer = timeout(GIVEN, try_out(&caller.client, operation)).await;
                let answer = answer.unwrap_or_else(|_| panic!("{} by {}: no end", operation.name(), caller.name));
                complaints.extend(complaint(operation, caller, &answer));
                if !matches!(answer.code(), "ROUTE_NOT_FOUND" | "METHOD_NOT_ALLOWED") {
                    walked.insert(operation.name());
                }
            }
        }
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        let left: Vec<_> = operations.keys().filter(|name| !walked.contains(*name)).collect();
        assert!(left.is_empty(), "in the document, and nowhere else: {left:?}");
        let public = operations.values().filter(|operation| operation.asks() == Asks::Nothing);
        let public: BTreeSet<_> = public.map(Operation::name).collect();
        let written: BTreeSet<_> = PUBLIC.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(public, written, "the operations that ask for no token");
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
        programs::keys_reach_their_department(&desk, &operations).await;
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

/// Somebody of one role, or nobody.
struct Caller {
    name: &'static str,
    client: Client,
    /// None without a token that is good here.
    scopes: Option<HashSet<&'static str>>,
    /// Whether the token is refused wherever it is shown.
    refused: bool,
}

async fn callers(platform: &Platform) -> Vec<Caller> {
    let admin = platform.admin().await;
    let mut callers =
        vec![Caller { name: "nobody", client: platform.gateway(), scopes: None, refused: false }];
    for role in Role::ALL {
        let person = platform.account(&admin, &[*role]).await;
        let scopes = role.scopes().map(|scope| scope.code()).collect();
        callers.push(Caller {
            name: role.code(),
            client: person.client,
            scopes: Some(scopes),
            refused: false,
        });
    }
    let client = programs::of_a_service(platform).await;
    callers.push(Caller { name: "another service", client, scopes: None, refused: true });
    callers
}

/// The body is empty, so that nothing is done where it is allowed; who calls is looked at first.
async fn try_out(client: &Client, operation: &Operation) -> Answer {
    let path = operation.path_with(NO_RECORD);
    match operation.document.get("requestBody") {
        Some(_) => client.json(&operation.method, &path, &json!({}), &[]).await,
        None => client.request(&operation.method, &path, &[], None).await,
    }
}

/// Whether its answer goes on for as long as somebody listens.
fn streams(operation: &Operation) -> bool {
    operation.document["responses"]["200"]["content"].get("text/event-stream").is_some()
}

/// Whoever may listen hears: the head of the answer is there at once, and its body does not end.
async fn no_stream(operation: &Operation, caller: &Caller) -> Option<String> {
    let opened = timeout(GIVEN, caller.client.open(&operation.path_with(NO_RECORD), &[])).await;
    let said = match opened {
        Ok(answer) if answer.status() == 200 && answer.headers()["content-type"] == "text/event-stream" => {
            return None;
        }
        Ok(answer) => format!("{} {:?}", answer.status(), answer.headers().get("content-type")),
        Err(_) => "nothing".to_owned(),
    };
    Some(format!("- {} by {}: expected a stream, but {said}", operation.name(), caller.name))
}

fn allowed(operation: &Operation, caller: &Caller) -> bool {
    match (operation.asks(), &caller.scopes) {
        (Asks::Nothing, _) => true,
        (Asks::Scopes(asked), Some(held)) => asked.iter().all(|scope| held.contains(scope.as_str())),
        (Asks::Scopes(_), None) => false,
    }
}

/// What the document says of the scopes must be what is asked.
fn complaint(operation: &Operation, caller: &Caller, answer: &Answer) -> Option<String> {
    let refused_by_scope = answer.status == 403 && answer.body["error"]["details"]["scope"].is_string();
    let expected = match (operation.asks(), &caller.scopes) {
        // What asks for no token may look at one, or not: no caller gains by it.
        (Asks::Nothing, None) if caller.refused => return None,
        (Asks::Scopes(_), None) => Some((401, "UNAUTHENTICATED")),
        (Asks::Scopes(asked), Some(held)) if !asked.iter().all(|scope| held.contains(scope.as_str())) => {
            Some((403, "FORBIDDEN"))
        }
        _ => None,
    };
    let right = match expected {
        Some((status, code)) => {
            answer.status == status && answer.code() == code && (status != 403 || refused_by_scope)
        }
        // A sign-in without a name is no sign-in without a token.
        None => answer.status < 500 && answer.status != 401 && !refused_by_scope,
    };
    let name = operation.name();
    (!right).then(|| {
        format!("- {name} by {}: expected {expected:?}, but {} {}", caller.name, answer.status, answer.body)
    })
}
