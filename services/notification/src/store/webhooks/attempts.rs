//! The log of attempts.

use diesel::prelude::*;
use hms_db::{At, Db, Key, PgColumn, PgRows, Result};
use hms_model::id::WebhookDeliveryId;

use crate::domain::webhook::{Attempt, Outcome};
use crate::schema::webhook_attempts as attempts;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = attempts)]
struct Row {
    id: Key,
    delivery_id: Key,
    number: i64,
    url: String,
    at: At,
    took_ms: i64,
    status: Option<i64>,
    body: Option<String>,
    error: Option<String>,
}

/// Writes attempts down, in one round trip on PostgreSQL.
pub fn add_all(db: &mut Db, made: &[&Attempt]) -> Result<()> {
    if made.is_empty() {
        return Ok(());
    }
    let rows = made.iter().map(|attempt| Row::of(attempt));
    match db {
        Db::Pg(connection) => {
            let mut all = PgRows::into_table("webhook_attempts", COLUMNS);
            rows.for_each(|row| all.push(row.texts()));
            all.execute(connection)?;
        }
        Db::Sqlite(connection) => {
            diesel::insert_into(attempts::table).values(rows.collect::<Vec<_>>()).execute(connection)?;
        }
    }
    Ok(())
}

const COLUMNS: [PgColumn; 9] = [
    ("id", "uuid"),
    ("delivery_id", "uuid"),
    ("number", "bigint"),
    ("url", "text"),
    ("at", "timestamptz"),
    ("took_ms", "bigint"),
    ("status", "bigint"),
    ("body", "text"),
    ("error", "text"),
];

/// The attempts at a delivery, in their order.
pub fn of(db: &mut Db, delivery: WebhookDeliveryId) -> Result<Vec<Attempt>> {
    let rows: Vec<Row> = attempts::table
        .filter(attempts::delivery_id.eq(Key::from(delivery)))
        .order((attempts::number, attempts::id))
        .select(Row::as_select())
        .load(db)?;
    Ok(rows.into_iter().map(Row::attempt).collect())
}

impl Row {
    fn of(attempt: &Attempt) -> Self {
        Self {
            id: attempt.id.into(),
            delivery_id: attempt.delivery_id.into(),
            number: attempt.number,
            url: attempt.url.clone(),
            at: attempt.at.into(),
            took_ms: attempt.outcome.took_ms,
            status: attempt.outcome.status.map(i64::from),
            body: attempt.outcome.body.clone(),
            error: attempt.outcome.error.clone(),
        }
    }

    fn texts(self) -> [Option<String>; 9] {
        let (id, delivery_id) = (self.id.0.to_string(), self.delivery_id.0.to_string());
        let (number, took_ms) = (self.number.to_string(), self.took_ms.to_string());
        let status = self.status.map(|status| status.to_string());
        let [id, delivery_id, number, url, at, took_ms] =
            [id, delivery_id, number, self.url, self.at.0.to_rfc3339(), took_ms].map(Some);
        [id, delivery_id, number, url, at, took_ms, status, self.body, self.error]
    }

    fn attempt(self) -> Attempt {
        Attempt {
            id: self.id.into(),
            delivery_id: self.delivery_id.into(),
            number: self.number,
            url: self.url,
            at: self.at.into(),
            outcome: Outcome {
                status: self.status.and_then(|status| u16::try_from(status).ok()),
                body: self.body,
                retry_after: None,
                error: self.error,
                took_ms: self.took_ms,
            },
        }
    }
}
