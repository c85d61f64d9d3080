//! One short text for a set of migrations: another one when any name or any statement differs.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use diesel::SqliteConnection;
use diesel::connection::{Connection, Instrumentation, InstrumentationEvent};
use parking_lot::Mutex;

use crate::{Backend, Db, Migrations, Result};

type Sum = Arc<Mutex<DefaultHasher>>;

impl Migrations {
    /// Sixteen hexadecimal digits that stand for exactly these migrations, so that a prepared database can be told
    /// from an outdated one. The same within one build of the toolchain; not for keeping.
    pub fn fingerprint(&self, backend: Backend) -> Result<String> {
        let sum = Sum::default();
        // diesel does not hand out the SQL of an embedded migration: a scratch database is asked to run it and we
        // listen. What it cannot run was heard all the same.
        let mut scratch = Db::Sqlite(SqliteConnection::establish(":memory:")?);
        scratch.set_instrumentation(Listener(Arc::clone(&sum)));
        for step in self.steps(backend)? {
            sum.lock().write(step.name().to_string().as_bytes());
            let _ = step.run(&mut scratch);
        }
        let digits = sum.lock().finish();
        Ok(format!("{digits:016x}"))
    }
}

struct Listener(Sum);

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            self.0.lock().write(query.to_string().as_bytes());
        }
    }
}
