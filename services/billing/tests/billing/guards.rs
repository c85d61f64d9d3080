//! What the database itself refuses, whatever a program does.

use hms_db::{Db, Error};
use hms_testkit::{Backend, on_both_back_ends};

use crate::common::World;

const ENTRY: &str = "0190a3c2-5b1e-7c4d-9f00-0000000000e1";

fn posting(position: i64, amount: i64) -> String {
    format!(
        "INSERT INTO postings (entry_id, position, account, amount) VALUES ('{ENTRY}', {position}, '1000', {amount});"
    )
}

fn entry() -> String {
    let columns = "id, booked_on, kind, memo, currency, created_at";
    let values = format!("'{ENTRY}', '2026-03-02', 'manual', 'x', 'EUR', '2026-03-02T08:00:00.000000Z'");
    format!("INSERT INTO entries ({columns}) VALUES ({values});")
}

/// Runs it past the service, in one transaction; says whether it was taken.
async fn takes(world: &World, sql: String) -> bool {
    use diesel::connection::SimpleConnection;
    let unit = move |db: &mut Db| Ok::<_, Error>(db.batch_execute(&sql)?);
    world.app.database.write(unit).await.is_ok()
}

on_both_back_ends! {
    async fn the_ledger_is_balanced_and_only_ever_added_to(backend) {
        let world = World::start(backend).await;
        for (what, sql) in [
            ("that does not balance", [posting(1, 5), posting(2, -4), entry()].concat()),
            ("of one posting", [posting(1, 5), entry()].concat()),
            ("of none", entry()),
            ("of none: postings alone", [posting(1, 5), posting(2, -5)].concat()),
        ] {
            assert!(!takes(&world, sql).await, "an entry {what}");
        }
        assert!(takes(&world, [posting(1, 5), posting(2, -5), entry()].concat()).await);
        for (what, sql) in [
            ("more postings", [posting(3, 7), posting(4, -7)].concat()),
            ("another amount", "UPDATE postings SET amount = -amount".to_owned()),
            ("another day", "UPDATE entries SET booked_on = '2026-03-01'".into()),
            ("no posting", "DELETE FROM postings".into()),
            ("no entry", "DELETE FROM entries".into()),
        ] {
            assert!(!takes(&world, sql).await, "{what}");
        }
        if backend == Backend::Sqlite {
            let replaced = posting(1, 6).replace("INSERT", "INSERT OR REPLACE");
            assert!(!takes(&world, replaced).await, "a replaced posting");
        } else {
            assert!(!takes(&world, "TRUNCATE postings, entries CASCADE".into()).await, "nothing at all");
        }
        assert_eq!(world.balances(&["1000"]).await, [0]);
        world.app.stop().await;
    }

    async fn what_was_issued_says_for_ever_what_it_says(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        world.issued(patient, 100).await;
        for sql in [
            "UPDATE invoices SET total = 99, net = 99, patient_due = 99, open = 99",
            "UPDATE invoices SET lines = '[]'",
            "UPDATE invoices SET serial = 7",
            "UPDATE invoices SET status = 'draft'",
            "DELETE FROM invoices",
        ] {
            assert!(!takes(&world, sql.into()).await, "{sql}");
        }
        world.app.stop().await;
    }
}
