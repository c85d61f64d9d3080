//! What was tried to send messages.

use diesel::prelude::*;
use hms_db::{At, Code, Db, Key, Result};
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

/// Writes an attempt down.
pub fn add(db: &mut Db, attempt: &Attempt) -> Result<()> {
    let id: MessageAttemptId = Id::new(attempt.at);
    let row = Row {
        id: id.into(),
        message_id: attempt.message_id.into(),
        number: attempt.number,
        at: attempt.at.into(),
        took_ms: attempt.took_ms,
        outcome: attempt.outcome.into(),
        provider_id: attempt.provider_id.clone(),
        reason: attempt.reason.clone(),
        subscription_id: attempt.subscription_id.map(Key::from),
    };
    diesel::insert_into(attempts::table).values(row).execute(db)?;
    Ok(())
}

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
