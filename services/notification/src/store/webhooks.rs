//! Webhooks in the database.

pub mod attempts;
pub mod deliveries;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_api::{List, Page};
use hms_db::{At, Code, Db, Error, Json, Key, LockExt, MultiBackend, Result, compare};
use hms_model::id::WebhookId;
use hms_model::role::Reach;

use crate::api::webhooks::list::WebhookFilters;
use crate::domain::webhook::{DisabledReason, Hook, Signing};
use crate::schema::webhooks;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, treat_none_as_null = true)]
struct Row {
    id: Key,
    version: i64,
    url: String,
    description: Option<String>,
    events: Json,
    department_id: Option<Key>,
    signing: Code<Signing>,
    sealed_key: String,
    previous_key: Option<String>,
    previous_until: Option<At>,
    public_key: Option<String>,
    contact_email: Option<String>,
    account_id: Key,
    disabled_reason: Option<Code<DisabledReason>>,
    disabled_at: Option<At>,
    failing_since: Option<At>,
    created_at: At,
    updated_at: At,
}

/// How many there are.
pub fn count(db: &mut Db) -> Result<i64> {
    Ok(webhooks::table.count().get_result(db)?)
}

/// Adds one.
pub fn insert(db: &mut Db, hook: &Hook) -> Result<()> {
    diesel::insert_into(webhooks::table).values(Row::of(hook)).execute(db)?;
    Ok(())
}

/// The webhook of this id, if whoever has this reach may see it.
pub fn find(db: &mut Db, id: WebhookId, reach: Reach) -> Result<Hook> {
    let row: Row = webhooks::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    within(row.hook()?, reach)
}

/// The same, locked until the transaction ends.
pub fn hold(db: &mut Db, id: WebhookId, reach: Reach) -> Result<Hook> {
    let row: Row = webhooks::table.find(Key::from(id)).select(Row::as_select()).lock(db).get_result(db)?;
    within(row.hook()?, reach)
}

/// Sees to it that nobody changes or deletes this one until the transaction ends; others may do the same beside.
pub fn keep(db: &mut Db, id: WebhookId) -> Result<()> {
    let row = webhooks::table.find(Key::from(id)).select(webhooks::version).lock_shared(db);
    let _not_there: Option<i64> = row.get_result(db).optional()?;
    Ok(())
}

fn within(hook: Hook, reach: Reach) -> Result<Hook> {
    if hook.within(reach) { Ok(hook) } else { Err(Error::NotFound) }
}

/// Saves the next version; false when there is another next version already.
pub fn save(db: &mut Db, next: &Hook) -> Result<bool> {
    let before = webhooks::table.find(Key::from(next.id)).filter(webhooks::version.eq(next.version - 1));
    Ok(diesel::update(before).set(Row::of(next)).execute(db)? == 1)
}

/// Notes since when a webhook that is on has failed; none when it is reached again.
pub fn fails_since(db: &mut Db, id: WebhookId, since: Option<DateTime<Utc>>) -> Result<()> {
    let on = webhooks::table.find(Key::from(id)).filter(webhooks::disabled_at.is_null());
    diesel::update(on).set(webhooks::failing_since.eq(since.map(At))).execute(db)?;
    Ok(())
}

/// Deletes one with its deliveries.
pub fn delete(db: &mut Db, id: WebhookId) -> Result<()> {
    diesel::delete(webhooks::table.find(Key::from(id))).execute(db)?;
    Ok(())
}

/// All that are on.
pub fn on(db: &mut Db) -> Result<Vec<Hook>> {
    let on = webhooks::table.filter(webhooks::disabled_at.is_null());
    let rows: Vec<Row> = on.select(Row::as_select()).order(webhooks::id).load(db)?;
    rows.into_iter().map(Row::hook).collect()
}

/// One page of those that match and that whoever has this reach may see.
pub fn list(db: &mut Db, list: &List<WebhookFilters>, reach: Reach) -> Result<Page<Hook>> {
    let matching = || matching(&list.filters, reach);
    let query = hms_service::page!(matching(), list, webhooks::id, { "created_at" => webhooks::created_at });
    let rows: Vec<Row> = query.select(Row::as_select()).load(db)?;
    let count = match list.must_count(rows.len()) {
        true => Some(matching().count().get_result(db)?),
        false => list.count_known(rows.len()),
    };
    let found = rows.into_iter().map(Row::hook).collect::<Result<Vec<_>>>()?;
    Ok(Page::new(list, found, count, |hook| hook.id.uuid()))
}

fn matching(filters: &WebhookFilters, reach: Reach) -> webhooks::BoxedQuery<'static, MultiBackend> {
    let mut query = webhooks::table.into_boxed();
    match reach {
        Reach::Everyone => {}
        Reach::Department { department_id } => {
            query = query.filter(webhooks::department_id.eq(Key::from(department_id)));
        }
        Reach::Own { .. } => query = query.filter(webhooks::id.ne(webhooks::id)),
    }
    match filters.enabled.eq {
        Some(true) => query = query.filter(webhooks::disabled_at.is_null()),
        Some(false) => query = query.filter(webhooks::disabled_at.is_not_null()),
        None => {}
    }
    query = compare!(query, webhooks::department_id, filters.department_id, |id| Key::from(id));
    compare!(query, webhooks::created_at, filters.created_at, |at| At(at))
}

impl Row {
    fn of(hook: &Hook) -> Self {
        let (previous_key, previous_until) = hook.previous.clone().unzip();
        let (disabled_reason, disabled_at) = hook.disabled.unzip();
        Self {
            id: hook.id.into(),
            version: hook.version,
            url: hook.url.clone(),
            description: hook.description.clone(),
            events: Json(hook.events.clone().into()),
            department_id: hook.department_id.map(Into::into),
            signing: hook.signing.into(),
            sealed_key: hook.sealed.clone(),
            previous_key,
            previous_until: previous_until.map(Into::into),
            public_key: hook.public_key.clone(),
            contact_email: hook.contact_email.clone().map(Into::into),
            account_id: hook.account_id.into(),
            disabled_reason: disabled_reason.map(Into::into),
            disabled_at: disabled_at.map(Into::into),
            failing_since: hook.failing_since.map(Into::into),
            created_at: hook.created_at.into(),
            updated_at: hook.updated_at.into(),
        }
    }

    fn hook(self) -> Result<Hook> {
        let unreadable = |error: serde_json::Error| Error::Other(Box::new(error));
        let email = self.contact_email.map(|email| email.parse()).transpose();
        Ok(Hook {
            id: self.id.into(),
            version: self.version,
            url: self.url,
            description: self.description,
            events: serde_json::from_value(self.events.0).map_err(unreadable)?,
            department_id: self.department_id.map(Into::into),
            signing: self.signing.0,
            sealed: self.sealed_key,
            previous: self.previous_key.zip(self.previous_until.map(Into::into)),
            public_key: self.public_key,
            contact_email: email.map_err(|error: hms_model::Invalid| Error::Other(Box::new(error)))?,
            account_id: self.account_id.into(),
            disabled: self.disabled_reason.map(|reason| reason.0).zip(self.disabled_at.map(Into::into)),
            failing_since: self.failing_since.map(Into::into),
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }
}
