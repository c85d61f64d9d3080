//! OAuth clients.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use hms_api::{List, Page};
use hms_db::{At, Code, Db, Json, Key, LockExt, MultiBackend, Result, compare};
use hms_model::Coded;
use hms_model::id::ClientId;

use crate::api::clients::list::ClientFilters;
use crate::domain::oauth::client::{ClientKind, GrantType, OauthClient};
use crate::domain::oauth::scope::Scopes;
use crate::schema::oauth_clients;

/// All but the secret.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = oauth_clients, treat_none_as_null = true)]
struct Row {
    id: Key,
    name: String,
    kind: Code<ClientKind>,
    redirect_uris: Json,
    grant_types: String,
    scopes: String,
    department_id: Option<Key>,
    revoked_at: Option<At>,
    created_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl Row {
    fn of(client: &OauthClient) -> Result<Self> {
        let uris = serde_json::to_value(&client.redirect_uris);
        let grants: Vec<_> = client.grant_types.iter().map(|grant| grant.code()).collect();
        Ok(Self {
            id: client.id.into(),
            name: client.name.clone(),
            kind: client.kind.into(),
            redirect_uris: uris.map_err(|error| DieselError::SerializationError(error.into()))?.into(),
            grant_types: grants.join(" "),
            scopes: client.scopes.words(),
            department_id: client.department_id.map(Key::from),
            revoked_at: client.revoked_at.map(At),
            created_by: client.created_by.into(),
            version: client.version,
            created_at: client.created_at.into(),
            updated_at: client.updated_at.into(),
        })
    }

    fn client(self) -> Result<OauthClient> {
        let uris = serde_json::from_value(self.redirect_uris.into());
        Ok(OauthClient {
            id: self.id.into(),
            name: self.name,
            kind: self.kind.0,
            redirect_uris: uris.map_err(|error| DieselError::DeserializationError(error.into()))?,
            grant_types: self.grant_types.split(' ').filter_map(GrantType::from_code).collect(),
            scopes: Scopes::kept(&self.scopes),
            department_id: self.department_id.map(Into::into),
            revoked_at: self.revoked_at.map(Into::into),
            created_by: self.created_by.into(),
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }
}

/// Keeps a new client; the hash of its secret where it has one.
pub fn insert(db: &mut Db, client: &OauthClient, secret_hash: Option<&str>) -> Result<()> {
    let values = (Row::of(client)?, oauth_clients::secret_hash.eq(secret_hash));
    diesel::insert_into(oauth_clients::table).values(values).execute(db)?;
    Ok(())
}

/// A client by its id.
pub fn find(db: &mut Db, id: ClientId) -> Result<OauthClient> {
    let row: Row = oauth_clients::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.client()
}

/// A client that nobody else changes until the transaction ends.
pub fn find_locked(db: &mut Db, id: ClientId) -> Result<OauthClient> {
    let query = oauth_clients::table.find(Key::from(id)).select(Row::as_select()).lock(db);
    let row: Row = query.get_result(db)?;
    row.client()
}

/// A client with the hash of its secret, if there is such a one.
pub fn find_with_secret(db: &mut Db, id: ClientId) -> Result<Option<(OauthClient, Option<String>)>> {
    let found =
        oauth_clients::table.find(Key::from(id)).select((Row::as_select(), oauth_clients::secret_hash));
    let found: Option<(Row, Option<String>)> = found.first(db).optional()?;
    found.map(|(row, hash)| Ok((row.client()?, hash))).transpose()
}

/// Keeps what has changed; `client` is the one that follows version `seen`. False when someone else was faster.
pub fn update(db: &mut Db, client: &OauthClient, seen: i64) -> Result<bool> {
    let row = oauth_clients::table.find(Key::from(client.id)).filter(oauth_clients::version.eq(seen));
    Ok(diesel::update(row).set(Row::of(client)?).execute(db)? == 1)
}

/// The same with another secret.
pub fn update_secret(db: &mut Db, client: &OauthClient, hash: &str, seen: i64) -> Result<bool> {
    let row = oauth_clients::table.find(Key::from(client.id)).filter(oauth_clients::version.eq(seen));
    let changes = (Row::of(client)?, oauth_clients::secret_hash.eq(Some(hash)));
    Ok(diesel::update(row).set(changes).execute(db)? == 1)
}

/// One page of the clients.
pub fn list(db: &mut Db, list: &List<ClientFilters>) -> Result<Page<OauthClient>> {
    let matching = || matching(&list.filters);
    let query = hms_service::page!(matching(), list, oauth_clients::id, { "created_at" => oauth_clients::created_at });
    let rows: Vec<Row> = query.select(Row::as_select()).load(db)?;
    let count = match list.must_count(rows.len()) {
        true => Some(matching().count().get_result(db)?),
        false => list.count_known(rows.len()),
    };
    let clients = rows.into_iter().map(Row::client).collect::<Result<Vec<_>>>()?;
    Ok(Page::new(list, clients, count, |client: &OauthClient| client.id.uuid()))
}

fn matching(filters: &ClientFilters) -> oauth_clients::BoxedQuery<'static, MultiBackend> {
    let query = oauth_clients::table.into_boxed();
    let query = compare!(query, oauth_clients::kind, filters.kind, |kind| Code(kind));
    compare!(query, oauth_clients::created_at, filters.created_at, |at| At(at))
}
