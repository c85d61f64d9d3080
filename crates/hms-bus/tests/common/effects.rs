//! Handlers that write down what they did.

use std::sync::atomic::{AtomicI64, Ordering};

use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_bus::{ConsumeError, Delivery};
use hms_db::{Database, Key};
use hms_model::id::EventId;

pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/migrations");

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use hms_db::sql::Uid;
    effects (place) {
        place -> BigInt,
        event_id -> Uid,
        kind -> Text,
        subject -> Text,
        version -> BigInt,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub event_id: EventId,
    pub kind: String,
    pub subject: String,
    pub version: i64,
}

/// Writes the effect of a delivery, in its transaction.
pub fn note(delivery: &mut Delivery<'_>) -> Result<(), ConsumeError> {
    static PLACE: AtomicI64 = AtomicI64::new(1);
    let envelope = delivery.envelope;
    diesel::insert_into(effects::table)
        .values((
            effects::place.eq(PLACE.fetch_add(1, Ordering::SeqCst)),
            effects::event_id.eq(Key::from(envelope.id)),
            effects::kind.eq(envelope.kind.clone()),
            effects::subject.eq(envelope.subject.clone()),
            effects::version.eq(envelope.aggregateversion),
        ))
        .execute(delivery.db)?;
    Ok(())
}

/// All effects, in their order.
pub async fn all(database: &Database) -> Vec<Effect> {
    let rows: Vec<(Key, String, String, i64)> = database
        .read(|db| {
            let query = effects::table
                .select((effects::event_id, effects::kind, effects::subject, effects::version))
                .order(effects::place);
            Ok::<_, hms_db::Error>(query.load(db)?)
        })
        .await
        .unwrap();
    rows.into_iter()
        .map(|(event_id, kind, subject, version)| Effect {
            event_id: event_id.into(),
            kind,
            subject,
            version,
        })
        .collect()
}

/// Waits for so many effects.
pub async fn await_count(database: &Database, count: usize) -> Vec<Effect> {
    hms_testkit::until(&format!("{count} effects"), super::SECONDS, async || {
        let effects = all(database).await;
        (effects.len() >= count).then_some(effects)
    })
    .await
}

/// Fails unless the versions of each aggregate are in their order.
pub fn assert_ordered(effects: &[Effect]) {
    let mut last = std::collections::HashMap::new();
    for effect in effects {
        let before = last.insert(effect.subject.clone(), effect.version);
        assert!(before.is_none_or(|before| before < effect.version), "{before:?} before {effect:?}");
    }
}
