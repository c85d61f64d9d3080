//! When API keys were last used: noted in memory, and written together from time to time, so that a use costs no write.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use hms_db::Database;
use hms_model::id::ApiKeyId;
use parking_lot::Mutex;

use crate::store::api_keys;

/// The uses since the last time they were written.
#[derive(Default)]
pub struct LastUse(Mutex<HashMap<ApiKeyId, DateTime<Utc>>>);

impl LastUse {
    /// Notes a use.
    pub fn note(&self, key: ApiKeyId, at: DateTime<Utc>) {
        self.0.lock().insert(key, at);
    }

    /// Writes what was noted. What cannot be written now is tried again next time.
    pub async fn write(&self, database: &Database) -> hms_db::Result<()> {
        let noted = std::mem::take(&mut *self.0.lock());
        if noted.is_empty() {
            return Ok(());
        }
        let uses = noted.clone();
        let written = database
            .write(move |db| uses.into_iter().try_for_each(|(key, at)| api_keys::note_use(db, key, at)));
        let outcome = written.await;
        if outcome.is_err() {
            let mut newer = self.0.lock();
            for (key, at) in noted {
                newer.entry(key).or_insert(at);
            }
        }
        outcome
    }
}
