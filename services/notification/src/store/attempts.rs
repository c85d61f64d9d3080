//! What was tried to send messages.

use diesel::prelude::*;
use hms_db::{At, Code, Db, Key, PgColumn, PgRows, Result};
use hms_model::Coded as _;
use hms_model::id::{Id, MessageAttemptId, NotificationId};

use crate::domain::{Attempt, Outcome};
use crate::schema::message_attempts as attempts;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = attempts)]
struct Row {
    id: Key,
    message_id: Key,
    number: i64,
    at: At,
    took_ms: i64,
    outcome: Code<Outcome>,
    provider_id: Option<String>,
    reason: Option<String>,
    subscription_id: Option<Key>,
}

/// Writes attempts down, in one round trip on PostgreSQL.
pub fn add_all<'a>(db: &mut Db, made: impl IntoIterator<Item = &'a Attempt>) -> Result<()> {
    let rows: Vec<Row> = made.into_iter().map(Row::of).collect();
    if rows.is_empty() {
        return Ok(());
    }
    match db {
        Db::Pg(connection) => {
            let mut all = PgRows::into_table("message_attempts", COLUMNS);
            rows.into_iter().for_each(|row| all.push(row.texts()));
            all.execute(connection)?;
        }
        Db::Sqlite(connection) => {
            diesel::insert_into(attempts::table).values(rows).execute(connection)?;
        }
    }
    Ok(())
}

const COLUMNS: [PgColumn; 9] = [
    ("id", "uuid"),
    ("message_id", "uuid"),
    ("number", "bigint"),
    ("at", "timestamptz"),
    ("took_ms", "bigint"),
    ("outcome", "text"),
    ("provider_id", "text"),
    ("reason", "text"),
    ("subscription_id", "uuid"),
];

/// The attempts at a message, in their order.
pub fn of(db: &mut Db, message: NotificationId) -> Result<Vec<Attempt>> {
    let rows: Vec<Row> = attempts::table
        .filter(attempts::message_id.eq(Key::from(message)))
        .order(attempts::id)
        .select(Row::as_select())
        .load(db)?;
    Ok(rows.into_iter().map(Row::attempt).collect())
}

impl Row {
    fn of(attempt: &Attempt) -> Self {
        let id: MessageAttemptId = Id::new(attempt.at);
        Self {
            id: id.into(),
            message_id: attempt.message_id.into(),
            number: attempt.number,
            at: attempt.at.into(),
            took_ms: attempt.took_ms,
            outcome: attempt.outcome.into(),
            provider_id: attempt.provider_id.clone(),
            reason: attempt.reason.clone(),
            subscription_id: attempt.subscription_id.map(Key::from),
        }
    }

    /// In the order of [`COLUMNS`].
    fn texts(self) -> [Option<String>; 9] {
        let [id, message_id] = [self.id, self.message_id].map(|id| id.0.to_string());
        let [number, took_ms] = [self.number, self.took_ms].map(|count| count.to_string());
        let (at, outcome) = (self.at.0.to_rfc3339(), self.outcome.0.code().to_owned());
        let [id, message_id, number, at, took_ms, outcome] =
            [id, message_id, number, at, took_ms, outcome].map(Some);
        let subscription_id = self.subscription_id.map(|id| id.0.to_string());
        [id, message_id, number, at, took_ms, outcome, self.provider_id, self.reason, subscription_id]
    }

    fn attempt(self) -> Attempt {
        Attempt {
            message_id: self.message_id.into(),
            number: self.number,
            at: self.at.into(),
            took_ms: self.took_ms,
            outcome: self.outcome.0,
            provider_id: self.provider_id,
            reason: self.reason,
            subscription_id: self.subscription_id.map(Into::into),
        }
    }
}
