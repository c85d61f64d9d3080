//! What goes to the database of a service, written down.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread::{self, ThreadId};

use hms_db::{Database, Heard};
use parking_lot::Mutex;

/// All that goes to the database of a service, but what its bus asks about the outbox from time to time.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    /// With the thread that each came from: a transaction is one thread's from its begin to its end.
    statements: Vec<(ThreadId, String)>,
    kept: HashSet<String>,
}

impl Journal {
    pub fn of(database: &Database) -> Self {
        let journal = Self::default();
        let own = journal.clone();
        database.listen(move |heard| {
            let mut notes = own.0.lock();
            match heard {
                Heard::Statement(sql) if sql.starts_with("SELECT COUNT(*), min(\"outbox\"") => {}
                // A new connection learns the types of its database.
                Heard::Statement(sql) if sql.starts_with("SELECT \"pg_type\"") => {}
                Heard::Statement(sql) => {
                    notes.statements.push((thread::current().id(), sql.trim().to_owned()))
                }
                Heard::Kept(sql) => drop(notes.kept.insert(sql.trim().to_owned())),
            }
        });
        journal
    }

    /// What has been sent since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().statements).into_iter().map(|(_, sql)| sql).collect()
    }

    /// The transactions among what has been sent since the last time, each by itself, whatever came between their
    /// statements.
    pub fn take_transactions(&self) -> Vec<Vec<String>> {
        let mut open: HashMap<ThreadId, Vec<String>> = HashMap::new();
        let mut ended = Vec::new();
        for (thread, sql) in std::mem::take(&mut self.0.lock().statements) {
            if sql == "BEGIN" {
                open.insert(thread, Vec::new());
            }
            let Some(transaction) = open.get_mut(&thread) else { continue };
            let is_over = ["COMMIT", "ROLLBACK"].contains(&sql.as_str());
            transaction.push(sql);
            if is_over {
                ended.extend(open.remove(&thread));
            }
        }
        ended
    }

    /// Those that are parsed and planned each time, which costs a round trip too.
    pub fn not_kept(&self, statements: &[String]) -> Vec<String> {
        let notes = self.0.lock();
        let prepared =
            |sql: &&String| !["BEGIN", "COMMIT"].contains(&sql.as_str()) && !notes.kept.contains(*sql);
        statements.iter().filter(prepared).cloned().collect()
    }
}

/// The verb of a statement and its first table: `INSERT postings`.
pub fn in_short(sql: &str) -> String {
    let verb = sql.split(' ').next().unwrap_or_default();
    [verb, sql.split('"').nth(1).unwrap_or_default()].join(" ").trim().to_owned()
}
