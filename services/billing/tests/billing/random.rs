//! Random events from many at once: every entry balances, the trial balance is zero, numbers have no gap and no double.
//!
//! `HMS_TEST_LEDGER_EVENTS` says how many events there are (2000); `make test-ledger` takes 100000.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use diesel::prelude::*;
use hms_db::{Database, Db, Error};
use hms_model::id::PatientId;
use hms_settings::Settings;
use hms_testkit::{Backend, Client, on_both_back_ends};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::common::{INVOICES, PAYMENTS, World, eur, invoice, path};

/// What the events are about, shared by all.
#[derive(Default)]
struct Shared {
    invoices: Mutex<Vec<Value>>,
    payments: Mutex<Vec<Value>>,
    done: Mutex<BTreeMap<&'static str, usize>>,
    not_now: Mutex<usize>,
}

fn pick(random: &mut u64, from: &Mutex<Vec<Value>>) -> Option<Value> {
    let all = from.lock();
    all.get(next(random, all.len())).cloned()
}

/// A number below `bound`, by xorshift: the same for the same seed.
fn next(random: &mut u64, bound: usize) -> usize {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    usize::try_from(*random % u64::try_from(bound.max(1)).unwrap()).unwrap()
}

async fn event(client: &Client, patients: &[PatientId], shared: &Shared, random: &mut u64) {
    let amount = i64::try_from(next(random, 5_000)).unwrap() + 1;
    let kind = next(random, 100);
    let (name, answer) = if kind < 35 {
        let mut body = invoice(patients[next(random, patients.len())], amount);
        body["lines"][0]["tax_rate"] = json!(190_000);
        body["issue"] = json!({});
        ("issue", client.post(INVOICES, &body).await)
    } else if kind < 65 {
        let Some(id) = pick(random, &shared.invoices) else { return };
        let body = json!({ "invoice_id": id, "method": "cash", "amount": eur(amount) });
        ("pay", client.post(PAYMENTS, &body).await)
    } else if kind < 80 {
        let Some(id) = pick(random, &shared.payments) else { return };
        let body = json!({ "amount": eur(amount), "reason": "random" });
        ("refund", client.post(&format!("{PAYMENTS}/{}/refund", id.as_str().unwrap()), &body).await)
    } else {
        let Some(id) = pick(random, &shared.invoices) else { return };
        if kind < 88 {
            ("void", client.request("POST", &format!("{}/void", path(&id)), &[], None).await)
        } else if kind < 94 {
            ("use credit", client.request("POST", &format!("{}/apply-credit", path(&id)), &[], None).await)
        } else {
            let lines = json!([{ "description": "Taken back", "unit_price": amount }]);
            (
                "credit",
                client
                    .post(&format!("{}/credit", path(&id)), &json!({ "reason": "random", "lines": lines }))
                    .await,
            )
        }
    };
    // A busy machine may say "not now"; nothing has changed then.
    if answer.status == 503 {
        *shared.not_now.lock() += 1;
        return;
    }
    // Refused by the rules, or overtaken by another; never anything else.
    assert!(matches!(answer.status, 200 | 201 | 409 | 422), "{name}: {} {:#}", answer.status, answer.body);
    if answer.is_success() {
        *shared.done.lock().entry(name).or_default() += 1;
        match name {
            "issue" => shared.invoices.lock().push(answer["id"].clone()),
            "pay" => shared.payments.lock().push(answer["id"].clone()),
            _ => {}
        }
    }
}

/// Takes away what waits in the outbox, as a relay would: nobody else does here, and its length is looked at every few
/// seconds.
async fn hand_over(database: &Database) {
    let done = |db: &mut Db| Ok::<_, Error>(diesel::sql_query("DELETE FROM outbox").execute(db)?);
    database.write(done).await.unwrap();
}

async fn the_books_are_right(world: &World) {
    let cases = [
        (
            "entries that do not balance",
            "SELECT count(*) AS number FROM (SELECT entry_id FROM postings GROUP BY entry_id HAVING sum(amount) <> 0 OR count(*) < 2) x",
        ),
        (
            "entries without postings",
            "SELECT count(*) AS number FROM entries WHERE NOT EXISTS (SELECT 1 FROM postings WHERE entry_id = entries.id)",
        ),
        ("the trial balance", "SELECT CAST(COALESCE(sum(amount), 0) AS BIGINT) AS number FROM postings"),
        (
            "gaps and doubles of numbers",
            "SELECT count(*) AS number FROM (SELECT series FROM invoices WHERE serial IS NOT NULL GROUP BY series HAVING count(*) <> max(serial) OR count(DISTINCT serial) <> count(*) OR min(serial) <> 1) x",
        ),
        (
            "what patients owe by invoices and by the ledger",
            "SELECT CAST((SELECT COALESCE(sum(patient_due - patient_settled), 0) FROM invoices WHERE status IN ('issued', 'partly_paid', 'paid') AND kind = 'invoice') - (SELECT COALESCE(sum(amount), 0) FROM postings WHERE account = '1100') AS BIGINT) AS number",
        ),
        (
            "credit by payments and by the ledger",
            "SELECT CAST((SELECT COALESCE(sum(unapplied), 0) FROM payments) + (SELECT COALESCE(sum(amount), 0) FROM postings WHERE account = '2100') AS BIGINT) AS number",
        ),
        (
            "money by payments and by the ledger",
            "SELECT CAST((SELECT COALESCE(sum(amount - refunded), 0) FROM payments) - (SELECT COALESCE(sum(amount), 0) FROM postings WHERE account = '1000') AS BIGINT) AS number",
        ),
        (
            "payments whose parts do not sum to the whole",
            "SELECT count(*) AS number FROM payments WHERE amount - refunded - unapplied <> (SELECT COALESCE(sum(amount), 0) FROM allocations WHERE payment_id = payments.id)",
        ),
    ];
    for (what, sql) in cases {
        assert_eq!(world.number(sql).await, 0, "{what}");
    }
}

on_both_back_ends! {
    async fn random_events_keep_the_books_right(backend) {
        let settings = Settings::from_environment();
        let events: usize = settings.parse_or("HMS_TEST_LEDGER_EVENTS", 2_000).unwrap();
        // SQLite has one writer; on PostgreSQL sixteen are at it at once.
        let tasks = if backend == Backend::Postgres { 16 } else { 1 };
        let world = World::start(backend).await;
        let mut patients = Vec::new();
        for _ in 0..20 {
            patients.push(world.patient().await);
        }
        let started = Instant::now();
        let (patients, shared) = (Arc::new(patients), Arc::new(Shared::default()));
        let mut running = tokio::task::JoinSet::new();
        for task in 0..tasks {
            let (client, patients, shared) = (world.books.clone(), patients.clone(), shared.clone());
            let database = world.app.database.clone();
            let mut random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(task + 1);
            running.spawn(async move {
                for done in 1..=events / usize::try_from(tasks).unwrap() {
                    event(&client, &patients, &shared, &mut random).await;
                    if done % 1_000 == 0 {
                        hand_over(&database).await;
                    }
                }
            });
        }
        running.join_all().await;
        let seconds = started.elapsed().as_secs_f64();
        let (done, not_now) = (shared.done.lock().clone(), *shared.not_now.lock());
        println!("{events} events on {backend} in {seconds:.1} s, {not_now} answered 503, done: {done:?}");
        assert!(not_now <= events / 1_000, "{not_now} of {events} were answered 503: {done:?}");
        assert!(done.len() == 6, "each kind of event has happened: {done:?}");
        the_books_are_right(&world).await;
        let report = world.books.get("/api/v1/accounting/reports/trial-balance?currency=EUR").await;
        assert_eq!(report.expect(200)["debit"], report["credit"]);
        world.app.stop().await;
    }
}
