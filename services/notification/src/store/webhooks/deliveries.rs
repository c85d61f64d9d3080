//! Deliveries in the database.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_api::{List, Page};
use hms_db::{
    At, Code, Db, InsertExt, KeepExt, Key, LockExt, MultiBackend, PgColumn, PgRows, Result, compare,
};
use hms_model::Coded as _;
use hms_model::id::{WebhookDeliveryId, WebhookId};

use crate::api::webhooks::deliveries::list::DeliveryFilters;
use crate::domain::webhook::{Delivery, DeliveryStatus};
use crate::schema::{webhook_deliveries as deliveries, webhooks};

/// Rows that one transaction of [`prune`] deletes at most.
const PRUNE_BATCH: i64 = 500;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = deliveries)]
struct Row {
    id: Key,
    version: i64,
    webhook_id: Key,
    event_id: Key,
    event_type: String,
    payload: String,
    patient_id: Option<Key>,
    status: Code<DeliveryStatus>,
    step: i64,
    attempts: i64,
    due_at: At,
    created_at: At,
    ended_at: Option<At>,
    last_status: Option<i64>,
    error: Option<String>,
}

/// Adds deliveries, each unless the same event goes to that webhook already; in one round trip on PostgreSQL.
pub fn add_all(db: &mut Db, new: &[Delivery]) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let Db::Pg(connection) = db else {
        for delivery in new {
            diesel::insert_into(deliveries::table).values(Row::of(delivery)).or_ignore().execute(db)?;
        }
        return Ok(());
    };
    let mut rows = PgRows::into_table("webhook_deliveries", COLUMNS).or_ignore();
    new.iter().for_each(|delivery| rows.push(texts(delivery)));
    rows.execute(connection)?;
    Ok(())
}

const COLUMNS: [PgColumn; 15] = [
    ("id", "uuid"),
    ("version", "bigint"),
    ("webhook_id", "uuid"),
    ("event_id", "uuid"),
    ("event_type", "text"),
    ("payload", "text"),
    ("patient_id", "uuid"),
    ("status", "text"),
    ("step", "bigint"),
    ("attempts", "bigint"),
    ("due_at", "timestamptz"),
    ("created_at", "timestamptz"),
    ("ended_at", "timestamptz"),
    ("last_status", "bigint"),
    ("error", "text"),
];

/// In the order of [`COLUMNS`].
fn texts(delivery: &Delivery) -> [Option<String>; 15] {
    let (webhook_id, event_id) = (delivery.webhook_id.to_string(), delivery.event_id.to_string());
    let (event_type, payload) = (delivery.event_type.clone(), delivery.payload.clone());
    let patient_id = delivery.patient_id.map(|id| id.to_string());
    let created_at = Some(delivery.created_at.to_rfc3339());
    let [webhook_id, event_id, event_type, payload] = [webhook_id, event_id, event_type, payload].map(Some);
    let [id, version, status, step, attempts, due_at, ended_at, last_status, error] = changes(delivery);
    [
        id,
        version,
        webhook_id,
        event_id,
        event_type,
        payload,
        patient_id,
        status,
        step,
        attempts,
        due_at,
        created_at,
        ended_at,
        last_status,
        error,
    ]
}

/// The delivery of this id.
pub fn find(db: &mut Db, id: WebhookDeliveryId) -> Result<Delivery> {
    let row: Row = deliveries::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    Ok(row.delivery())
}

/// Whether there is a delivery of this id.
pub fn is_there(db: &mut Db, id: WebhookDeliveryId) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(deliveries::table.find(Key::from(id)))).get_result(db)?)
}

/// The webhooks that are on and have something due, without these.
pub fn webhooks_due(db: &mut Db, now: DateTime<Utc>, without: &[WebhookId]) -> Result<Vec<WebhookId>> {
    let without: Vec<Key> = without.iter().copied().map(Key::from).collect();
    let due = deliveries::table
        .filter(deliveries::webhook_id.eq(webhooks::id))
        .filter(deliveries::status.eq(Code(DeliveryStatus::Pending)))
        .filter(deliveries::due_at.le(At(now)));
    let ids: Vec<Key> = webhooks::table
        .filter(webhooks::disabled_at.is_null())
        .filter(webhooks::id.ne_all(without))
        .filter(diesel::dsl::exists(due))
        .select(webhooks::id)
        .load(db)?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// What is due to one webhook, except what another replica is just taking up; locked.
pub fn due(db: &mut Db, webhook: WebhookId, now: DateTime<Utc>, limit: i64) -> Result<Vec<Delivery>> {
    let query = deliveries::table
        .filter(deliveries::webhook_id.eq(Key::from(webhook)))
        .filter(deliveries::status.eq(Code(DeliveryStatus::Pending)))
        .filter(deliveries::due_at.le(At(now)))
        .select(Row::as_select())
        .order((deliveries::due_at, deliveries::id))
        .limit(limit)
        .lock_skip(db);
    let rows: Vec<Row> = query.load(db)?;
    Ok(rows.into_iter().map(Row::delivery).collect())
}

/// When the next pending delivery is due, to a webhook that is on and not one of these.
pub fn next_due(db: &mut Db, without: &[WebhookId]) -> Result<Option<DateTime<Utc>>> {
    let without: Vec<Key> = without.iter().copied().map(Key::from).collect();
    let on = webhooks::table
        .filter(webhooks::id.eq(deliveries::webhook_id))
        .filter(webhooks::disabled_at.is_null());
    let next: Option<At> = deliveries::table
        .filter(deliveries::status.eq(Code(DeliveryStatus::Pending)))
        .filter(deliveries::webhook_id.ne_all(without))
        .filter(diesel::dsl::exists(on))
        .select(deliveries::due_at)
        .order(deliveries::due_at)
        .first(db)
        .optional()?;
    Ok(next.map(Into::into))
}

/// Saves a delivery that is pending, or was ended and begins anew; none when someone else has changed it since it was
/// read, or deleted its webhook.
pub fn save(db: &mut Db, delivery: Delivery) -> Result<Option<Delivery>> {
    let read =
        deliveries::table.find(Key::from(delivery.id)).filter(deliveries::version.eq(delivery.version));
    let next = Delivery { version: delivery.version + 1, ..delivery };
    let changes = (
        deliveries::version.eq(next.version),
        deliveries::status.eq(Code(next.status)),
        deliveries::step.eq(next.step),
        deliveries::attempts.eq(next.attempts),
        deliveries::due_at.eq(At(next.due_at)),
        deliveries::ended_at.eq(next.ended_at.map(At)),
        deliveries::last_status.eq(next.last_status),
        deliveries::error.eq(next.error.clone()),
    );
    let saved = diesel::update(read).set(changes).kept().execute(db)?;
    Ok(Some(next).filter(|_| saved == 1))
}

/// [`save`] for several, in one round trip on PostgreSQL; gives those that were saved.
pub fn save_all(db: &mut Db, changed: Vec<Delivery>) -> Result<Vec<Delivery>> {
    let Db::Pg(connection) = db else {
        let saved = changed.into_iter().map(|delivery| save(db, delivery));
        return saved.filter_map(Result::transpose).collect();
    };
    let mut rows = PgRows::change("webhook_deliveries", CHANGES);
    changed.iter().for_each(|delivery| rows.push(changes(delivery)));
    let saved: Vec<Key> = rows.load(connection)?;
    let saved: HashSet<Key> = saved.into_iter().collect();
    let saved = changed.into_iter().filter(|delivery| saved.contains(&delivery.id.into()));
    Ok(saved.map(|delivery| Delivery { version: delivery.version + 1, ..delivery }).collect())
}

/// What [`save_all`] changes.
const CHANGES: [PgColumn; 9] = [
    ("id", "uuid"),
    ("version", "bigint"),
    ("status", "text"),
    ("step", "bigint"),
    ("attempts", "bigint"),
    ("due_at", "timestamptz"),
    ("ended_at", "timestamptz"),
    ("last_status", "bigint"),
    ("error", "text"),
];

/// In the order of [`CHANGES`].
fn changes(delivery: &Delivery) -> [Option<String>; 9] {
    let counts = [delivery.version, delivery.step, delivery.attempts].map(|count| Some(count.to_string()));
    let [version, step, attempts] = counts;
    [
        Some(delivery.id.to_string()),
        version,
        Some(delivery.status.code().to_owned()),
        step,
        attempts,
        Some(delivery.due_at.to_rfc3339()),
        delivery.ended_at.map(|at| at.to_rfc3339()),
        delivery.last_status.map(|status| status.to_string()),
        delivery.error.clone(),
    ]
}

/// Gives up what is pending to a webhook that was switched off; it can be sent again by hand.
pub fn give_up(db: &mut Db, webhook: WebhookId, why: &str, now: DateTime<Utc>) -> Result<usize> {
    let waiting = deliveries::table
        .filter(deliveries::webhook_id.eq(Key::from(webhook)))
        .filter(deliveries::status.eq(Code(DeliveryStatus::Pending)));
    let changes = (
        deliveries::version.eq(deliveries::version + 1),
        deliveries::status.eq(Code(DeliveryStatus::Failed)),
        deliveries::ended_at.eq(Some(At(now))),
        deliveries::error.eq(Some(why)),
    );
    Ok(diesel::update(waiting).set(changes).execute(db)?)
}

/// Sends again what failed of the events since then; says how many there are.
pub fn again(db: &mut Db, webhook: WebhookId, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<usize> {
    let failed = deliveries::table
        .filter(deliveries::webhook_id.eq(Key::from(webhook)))
        .filter(deliveries::status.eq(Code(DeliveryStatus::Failed)))
        .filter(deliveries::created_at.ge(At(since)));
    let changes = (
        deliveries::version.eq(deliveries::version + 1),
        deliveries::status.eq(Code(DeliveryStatus::Pending)),
        deliveries::step.eq(0),
        deliveries::due_at.eq(At(now)),
        deliveries::ended_at.eq(None::<At>),
    );
    Ok(diesel::update(failed).set(changes).execute(db)?)
}

/// Forgets some of what ended before that moment, with the attempts.
pub fn prune(db: &mut Db, before: DateTime<Utc>) -> Result<()> {
    let old: Vec<Key> = deliveries::table
        .filter(deliveries::status.ne(Code(DeliveryStatus::Pending)))
        .filter(deliveries::ended_at.lt(At(before)))
        .select(deliveries::id)
        .limit(PRUNE_BATCH)
        .load(db)?;
    if !old.is_empty() {
        diesel::delete(deliveries::table.filter(deliveries::id.eq_any(old))).execute(db)?;
    }
    Ok(())
}

/// One page of the deliveries to a webhook that match.
pub fn list(db: &mut Db, webhook: WebhookId, list: &List<DeliveryFilters>) -> Result<Page<Delivery>> {
    let matching = || matching(webhook, &list.filters);
    let query =
        hms_service::page!(matching(), list, deliveries::id, { "created_at" => deliveries::created_at });
    let rows: Vec<Row> = query.select(Row::as_select()).load(db)?;
    let count = match list.must_count(rows.len()) {
        true => Some(matching().count().get_result(db)?),
        false => list.count_known(rows.len()),
    };
    let found = rows.into_iter().map(Row::delivery).collect();
    Ok(Page::new(list, found, count, |delivery| delivery.id.uuid()))
}

fn matching(webhook: WebhookId, filters: &DeliveryFilters) -> deliveries::BoxedQuery<'static, MultiBackend> {
    let mut query = deliveries::table.filter(deliveries::webhook_id.eq(Key::from(webhook))).into_boxed();
    query = compare!(query, deliveries::status, filters.status, |status| Code(status));
    query = compare!(query, deliveries::event_type, filters.event_type, |kind| kind);
    query = compare!(query, deliveries::event_id, filters.event_id, |id| Key::from(id));
    compare!(query, deliveries::created_at, filters.created_at, |at| At(at))
}

impl Row {
    fn of(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id.into(),
            version: delivery.version,
            webhook_id: delivery.webhook_id.into(),
            event_id: delivery.event_id.into(),
            event_type: delivery.event_type.clone(),
            payload: delivery.payload.clone(),
            patient_id: delivery.patient_id.map(Into::into),
            status: delivery.status.into(),
            step: delivery.step,
            attempts: delivery.attempts,
            due_at: delivery.due_at.into(),
            created_at: delivery.created_at.into(),
            ended_at: delivery.ended_at.map(Into::into),
            last_status: delivery.last_status,
            error: delivery.error.clone(),
        }
    }

    fn delivery(self) -> Delivery {
        Delivery {
            id: self.id.into(),
            version: self.version,
            webhook_id: self.webhook_id.into(),
            event_id: self.event_id.into(),
            event_type: self.event_type,
            payload: self.payload,
            patient_id: self.patient_id.map(Into::into),
            status: self.status.0,
            step: self.step,
            attempts: self.attempts,
            due_at: self.due_at.into(),
            created_at: self.created_at.into(),
            ended_at: self.ended_at.map(Into::into),
            last_status: self.last_status,
            error: self.error,
        }
    }
}
