//! API keys.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use hms_api::{List, Page};
use hms_db::{At, Db, Key, LockExt, MultiBackend, Result, compare};
use hms_model::Coded;
use hms_model::id::{AccountId, ApiKeyId};
use hms_model::role::Scope;

use crate::api::api_keys::list::ApiKeyFilters;
use crate::domain::api_key::ApiKey;
use crate::schema::api_keys;

/// All but the secrets.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = api_keys, treat_none_as_null = true)]
struct Row {
    id: Key,
    account_id: Key,
    name: String,
    old_valid_until: Option<At>,
    scopes: String,
    department_id: Option<Key>,
    expires_at: Option<At>,
    revoked_at: Option<At>,
    created_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// What proves that one has a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    current: String,
    old: Option<String>,
}

impl Hashes {
    /// Whether a secret with this hash is good for the key now. Hashes of 256 random bits may be compared as they come:
    /// how long that takes tells nothing of use.
    pub fn admit(&self, hash: &str, key: &ApiKey, now: DateTime<Utc>) -> bool {
        let old_is_good = key.old_valid_until.is_some_and(|until| now < until);
        self.current == hash || (old_is_good && self.old.as_deref() == Some(hash))
    }
}

impl Row {
    fn of(key: &ApiKey) -> Self {
        let words: Vec<_> = key.scopes.iter().map(|scope| scope.code()).collect();
        Self {
            id: key.id.into(),
            account_id: key.account_id.into(),
            name: key.name.clone(),
            old_valid_until: key.old_valid_until.map(At),
            scopes: words.join(" "),
            department_id: key.department_id.map(Key::from),
            expires_at: key.expires_at.map(At),
            revoked_at: key.revoked_at.map(At),
            created_by: key.created_by.into(),
            version: key.version,
            created_at: key.created_at.into(),
            updated_at: key.updated_at.into(),
        }
    }

    fn key(self, last_used_at: Option<At>) -> ApiKey {
        ApiKey {
            id: self.id.into(),
            account_id: self.account_id.into(),
            name: self.name,
            // A scope that this program does not know gives nothing.
            scopes: self.scopes.split(' ').filter_map(Scope::from_code).collect(),
            department_id: self.department_id.map(Into::into),
            expires_at: self.expires_at.map(Into::into),
            revoked_at: self.revoked_at.map(Into::into),
            old_valid_until: self.old_valid_until.map(Into::into),
            last_used_at: last_used_at.map(Into::into),
            created_by: self.created_by.into(),
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        }
    }
}

/// Keeps a new key with the hash of its secret.
pub fn insert(db: &mut Db, key: &ApiKey, hash: &str) -> Result<()> {
    let values = (Row::of(key), api_keys::hash.eq(hash));
    diesel::insert_into(api_keys::table).values(values).execute(db)?;
    Ok(())
}

/// A key by its id.
pub fn find(db: &mut Db, id: ApiKeyId) -> Result<ApiKey> {
    let found = api_keys::table.find(Key::from(id)).select((Row::as_select(), api_keys::last_used_at));
    let (row, used): (Row, Option<At>) = found.first(db)?;
    Ok(row.key(used))
}

/// A key that nobody else changes until the transaction ends.
pub fn find_locked(db: &mut Db, id: ApiKeyId) -> Result<ApiKey> {
    let query =
        api_keys::table.find(Key::from(id)).select((Row::as_select(), api_keys::last_used_at)).lock(db);
    let (row, used): (Row, Option<At>) = query.get_result(db)?;
    Ok(row.key(used))
}

/// A key with what proves that one has it, if there is such a one.
pub fn find_with_hashes(db: &mut Db, id: ApiKeyId) -> Result<Option<(ApiKey, Hashes)>> {
    let found = api_keys::table.find(Key::from(id)).select((
        Row::as_select(),
        api_keys::last_used_at,
        api_keys::hash,
        api_keys::old_hash,
    ));
    let found: Option<(Row, Option<At>, String, Option<String>)> = found.first(db).optional()?;
    Ok(found.map(|(row, used, current, old)| (row.key(used), Hashes { current, old })))
}

/// How many keys of an account are not revoked.
pub fn count(db: &mut Db, account: AccountId) -> Result<i64> {
    let open = api_keys::table
        .filter(api_keys::account_id.eq(Key::from(account)))
        .filter(api_keys::revoked_at.is_null());
    Ok(open.select(count_star()).first(db)?)
}

/// Keeps what has changed; `key` is the one that follows version `seen`. False when someone else was faster.
pub fn update(db: &mut Db, key: &ApiKey, seen: i64) -> Result<bool> {
    let row = api_keys::table.find(Key::from(key.id)).filter(api_keys::version.eq(seen));
    Ok(diesel::update(row).set(Row::of(key)).execute(db)? == 1)
}

/// The same with a new secret; the present one becomes the old one.
pub fn rotate(db: &mut Db, key: &ApiKey, hash: &str, seen: i64) -> Result<bool> {
    let row = api_keys::table.find(Key::from(key.id)).filter(api_keys::version.eq(seen));
    let changes = (Row::of(key), api_keys::old_hash.eq(api_keys::hash.nullable()), api_keys::hash.eq(hash));
    Ok(diesel::update(row).set(changes).execute(db)? == 1)
}

/// Revokes all keys of an account; gives back which.
pub fn revoke_all(db: &mut Db, account: AccountId, now: DateTime<Utc>) -> Result<Vec<ApiKeyId>> {
    let open = api_keys::table
        .filter(api_keys::account_id.eq(Key::from(account)))
        .filter(api_keys::revoked_at.is_null());
    let changes = (
        api_keys::revoked_at.eq(Some(At::from(now))),
        api_keys::version.eq(api_keys::version + 1),
        api_keys::updated_at.eq(At::from(now)),
    );
    let ids: Vec<Key> = diesel::update(open).set(changes).returning(api_keys::id).get_results(db)?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Notes when a key was used, unless a later use is noted. This is no change of the key: its version stays.
pub fn note_use(db: &mut Db, id: ApiKeyId, at: DateTime<Utc>) -> Result<()> {
    let earlier = api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(Some(At::from(at))));
    let row = api_keys::table.find(Key::from(id)).filter(earlier);
    diesel::update(row).set(api_keys::last_used_at.eq(Some(At::from(at)))).execute(db)?;
    Ok(())
}

/// One page of the keys, of one account or of all.
pub fn list(db: &mut Db, list: &List<ApiKeyFilters>, of: Option<AccountId>) -> Result<Page<ApiKey>> {
    let matching = || matching(&list.filters, of);
    let query = hms_service::page!(matching(), list, api_keys::id, { "created_at" => api_keys::created_at });
    let rows: Vec<(Row, Option<At>)> = query.select((Row::as_select(), api_keys::last_used_at)).load(db)?;
    let count = match list.must_count(rows.len()) {
        true => Some(matching().count().get_result(db)?),
        false => list.count_known(rows.len()),
    };
    let keys = rows.into_iter().map(|(row, used)| row.key(used)).collect();
    Ok(Page::new(list, keys, count, |key: &ApiKey| key.id.uuid()))
}

fn matching(filters: &ApiKeyFilters, of: Option<AccountId>) -> api_keys::BoxedQuery<'static, MultiBackend> {
    let mut query = api_keys::table.into_boxed();
    if let Some(account) = of {
        query = query.filter(api_keys::account_id.eq(Key::from(account)));
    }
    query = compare!(query, api_keys::account_id, filters.account_id, |id| Key::from(id));
    compare!(query, api_keys::created_at, filters.created_at, |at| At(at))
}
