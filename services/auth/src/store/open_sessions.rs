//! The sessions of an account as its holder sees them, and what becomes of old ones.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_api::List;
use hms_db::{At, Db, Key, MultiBackend, Result, compare};
use hms_model::id::{AccountId, SessionId};

use crate::api::auth::sessions::list::SessionFilters;
use crate::domain::refresh::LIFETIME;
use crate::schema::{refresh_tokens, sessions};

/// Rows that one pass of [`prune`] deletes at most, so that it never holds the database for long.
const BATCH: i64 = 500;

/// An open session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// Its id.
    pub id: SessionId,
    /// What the client called itself when it was last used.
    pub device: Option<String>,
    /// The network from which it was last used.
    pub network: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Row {
    id: Key,
    device: Option<String>,
    network: Option<String>,
    created_at: At,
    last_used_at: Option<At>,
}

/// One page of the open sessions of an account, and how many there are in all.
pub fn list(
    db: &mut Db,
    account: AccountId,
    list: &List<SessionFilters>,
    now: DateTime<Utc>,
) -> Result<(Vec<OpenSession>, Option<i64>)> {
    let matching = || open(account, list, now);
    let query = hms_service::page!(matching(), list, sessions::id, { "created_at" => sessions::created_at });
    let rows: Vec<Row> = query.select(Row::as_select()).load(db)?;
    let count = match list.must_count(rows.len()) {
        true => Some(matching().count().get_result(db)?),
        false => list.count_known(rows.len()),
    };
    Ok((rows.into_iter().map(Row::session).collect(), count))
}

fn open(
    account: AccountId,
    list: &List<SessionFilters>,
    now: DateTime<Utc>,
) -> sessions::BoxedQuery<'static, MultiBackend> {
    let alive = sessions::ends_at
        .gt(Some(At::from(now)))
        .or(sessions::ends_at.is_null().and(sessions::rotated_at.gt(At::from(now - LIFETIME)).nullable()));
    let query = sessions::table
        .filter(sessions::account_id.eq(Key::from(account)))
        .filter(sessions::revoked_at.is_null())
        .filter(alive)
        .into_boxed();
    compare!(query, sessions::created_at, list.filters.created_at, |at| At(at))
}

impl Row {
    fn session(self) -> OpenSession {
        OpenSession {
            id: self.id.into(),
            device: self.device,
            network: self.network,
            created_at: self.created_at.into(),
            last_used_at: self.last_used_at.unwrap_or(self.created_at).into(),
        }
    }
}

/// Deletes some of the refresh tokens that have expired, and of the sessions that have none left; says whether there
/// may be more. A session that was ended goes when its tokens have expired: until then they are told from unknown ones.
pub fn prune(db: &mut Db, now: DateTime<Utc>) -> Result<bool> {
    let old: Vec<String> = refresh_tokens::table
        .filter(refresh_tokens::expires_at.le(At::from(now)))
        .select(refresh_tokens::hash)
        .limit(BATCH)
        .load(db)?;
    let tokens = old.len();
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::hash.eq_any(old))).execute(db)?;
    let long_ago = At::from(now - LIFETIME);
    let empty = diesel::dsl::not(diesel::dsl::exists(
        refresh_tokens::table.filter(refresh_tokens::session_id.eq(sessions::id)),
    ));
    let over: Vec<Key> = sessions::table
        .filter(sessions::rotated_at.le(long_ago))
        .filter(empty)
        .select(sessions::id)
        .limit(BATCH)
        .load(db)?;
    let families = over.len();
    diesel::delete(sessions::table.filter(sessions::id.eq_any(over))).execute(db)?;
    Ok([tokens, families].into_iter().any(|many| i64::try_from(many).is_ok_and(|many| many == BATCH)))
}
