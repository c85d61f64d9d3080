//! The log of attempts.

use diesel::prelude::*;
use hms_db::{At, Db, KeepExt, Key, Result};
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

/// Writes an attempt down.
pub fn add(db: &mut Db, attempt: &Attempt) -> Result<()> {
    let row = Row {
        id: attempt.id.into(),
        delivery_id: attempt.delivery_id.into(),
        number: attempt.number,
        url: attempt.url.clone(),
        at: attempt.at.into(),
        took_ms: attempt.outcome.took_ms,
        status: attempt.outcome.status.map(i64::from),
        body: attempt.outcome.body.clone(),
        error: attempt.outcome.error.clone(),
    };
    diesel::insert_into(attempts::table).values(row).kept().execute(db)?;
    Ok(())
}

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
