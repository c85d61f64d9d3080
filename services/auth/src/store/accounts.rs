//! Accounts with their roles and their passwords.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, exists};
use diesel::prelude::*;
use hms_api::List;
use hms_db::{At, Code, Db, Error, InsertExt, Key, LockExt, Result, compare, like_pattern, lower};
use hms_model::id::AccountId;
use hms_model::role::Role;

use crate::api::accounts::list::AccountFilters;
use crate::domain::account::{Account, AccountStatus};
use crate::schema::{account_roles, accounts, passwords};

/// The row of an account that was not deleted.
macro_rules! present {
    ($id:expr) => {
        accounts::table.find(Key::from($id)).filter(accounts::erased_at.is_null())
    };
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = accounts)]
struct Row {
    id: Key,
    email: String,
    username: Option<String>,
    status: Code<AccountStatus>,
    patient_id: Option<Key>,
    practitioner_id: Option<Key>,
    version: i64,
    created_at: At,
    updated_at: At,
    email_verified_at: Option<At>,
    language: Option<String>,
}

impl Row {
    fn of(account: &Account) -> Self {
        Self {
            id: account.id.into(),
            email: account.email.clone(),
            username: account.username.clone(),
            status: account.status.into(),
            patient_id: account.patient_id.map(Key::from),
            practitioner_id: account.practitioner_id.map(Key::from),
            version: account.version,
            created_at: account.created_at.into(),
            updated_at: account.updated_at.into(),
            email_verified_at: account.email_verified.then(|| account.created_at.into()),
            language: account.language.as_ref().map(ToString::to_string),
        }
    }

    fn with(self, roles: Vec<Role>) -> Account {
        Account {
            id: self.id.into(),
            email: self.email,
            username: self.username,
            roles,
            status: self.status.0,
            email_verified: self.email_verified_at.is_some(),
            patient_id: self.patient_id.map(Into::into),
            practitioner_id: self.practitioner_id.map(Into::into),
            language: self.language.and_then(|tag| tag.parse().ok()),
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        }
    }
}

/// An account by its id; one that was deleted is not found.
pub fn find(db: &mut Db, id: AccountId) -> Result<Account> {
    let row: Row = present!(id).select(Row::as_select()).first(db)?;
    complete(db, row)
}

/// An account by its id, which nobody else changes until the transaction ends.
pub fn find_locked(db: &mut Db, id: AccountId) -> Result<Account> {
    let query = present!(id).select(Row::as_select()).lock(db);
    let row: Row = query.get_result(db)?;
    complete(db, row)
}

fn complete(db: &mut Db, row: Row) -> Result<Account> {
    let roles = roles(db, row.id.into())?;
    Ok(row.with(roles))
}

/// The roles of an account; none where there is no such account.
pub fn roles(db: &mut Db, id: AccountId) -> Result<Vec<Role>> {
    let kept = account_roles::table.filter(account_roles::account_id.eq(Key::from(id)));
    let mut roles: Vec<Role> =
        kept.select(account_roles::role).load::<Code<Role>>(db)?.into_iter().map(|role| role.0).collect();
    roles.sort_unstable();
    Ok(roles)
}

/// Whose name this is, and the hash of the password, if the account has one; the name is an e-mail address or a
/// user name.
pub fn find_credentials(db: &mut Db, name: &str) -> Result<Option<(AccountId, String)>> {
    let name = name.to_lowercase();
    let named = accounts::table.inner_join(passwords::table).select((accounts::id, passwords::hash));
    let found: Option<(Key, String)> = if name.contains('@') {
        named.filter(accounts::email.eq(name)).first(db).optional()?
    } else {
        named.filter(accounts::username.eq(name)).first(db).optional()?
    };
    Ok(found.map(|(id, hash)| (id.into(), hash)))
}

/// A new account with its password. A name that is taken is [`Error::Unique`].
pub fn insert(db: &mut Db, account: &Account, hash: &str) -> Result<()> {
    diesel::insert_into(accounts::table).values(Row::of(account)).execute(db)?;
    insert_rest(db, account, hash)
}

/// The same, but where one of its names is taken nothing is done, and false is the answer.
pub fn insert_unless_taken(db: &mut Db, account: &Account, hash: &str) -> Result<bool> {
    let rows = diesel::insert_into(accounts::table).values(Row::of(account)).or_ignore().execute(db)?;
    if rows == 1 {
        insert_rest(db, account, hash)?;
    }
    Ok(rows == 1)
}

fn insert_rest(db: &mut Db, account: &Account, hash: &str) -> Result<()> {
    let id = Key::from(account.id);
    for role in &account.roles {
        let values = (account_roles::account_id.eq(id), account_roles::role.eq(Code(*role)));
        diesel::insert_into(account_roles::table).values(values).execute(db)?;
    }
    let set_at = At::from(account.created_at);
    let values = (passwords::account_id.eq(id), passwords::hash.eq(hash), passwords::set_at.eq(set_at));
    diesel::insert_into(passwords::table).values(values).execute(db)?;
    Ok(())
}

/// Whether this is still the hash of the account's password.
pub fn has_password(db: &mut Db, id: AccountId, hash: &str) -> Result<bool> {
    let same = passwords::table.find(Key::from(id)).filter(passwords::hash.eq(hash));
    Ok(diesel::select(exists(same)).get_result(db)?)
}

/// Replaces the hash of a password that stays the same.
pub fn renew_password(db: &mut Db, id: AccountId, from: &str, to: &str) -> Result<()> {
    let kept = passwords::table.find(Key::from(id)).filter(passwords::hash.eq(from));
    diesel::update(kept).set(passwords::hash.eq(to)).execute(db)?;
    Ok(())
}

/// Keeps another status; `account` is the one that follows version `seen`. False when someone else was faster.
pub fn update(db: &mut Db, account: &Account, seen: i64) -> Result<bool> {
    let row = present!(account.id).filter(accounts::version.eq(seen));
    let changes = (
        accounts::status.eq(Code(account.status)),
        accounts::language.eq(account.language.as_ref().map(ToString::to_string)),
        accounts::version.eq(account.version),
        accounts::updated_at.eq(At::from(account.updated_at)),
    );
    Ok(diesel::update(row).set(changes).execute(db)? == 1)
}

/// Keeps that the address was verified; `account` is the one that follows version `seen`. False when someone else
/// was faster.
pub fn verify_email(db: &mut Db, account: &Account, seen: i64) -> Result<bool> {
    let row = present!(account.id).filter(accounts::version.eq(seen));
    let now = At::from(account.updated_at);
    let changes = (
        accounts::email_verified_at.eq(Some(now)),
        accounts::version.eq(account.version),
        accounts::updated_at.eq(now),
    );
    Ok(diesel::update(row).set(changes).execute(db)? == 1)
}

/// Takes away all that is known of the holder; the id stays, for the audit. False when someone else was faster.
pub fn erase(db: &mut Db, account: &Account, now: DateTime<Utc>) -> Result<bool> {
    let id = Key::from(account.id);
    let row = present!(account.id).filter(accounts::version.eq(account.version));
    let changes = (
        accounts::email.eq(format!("{}@erased.invalid", account.id)),
        accounts::username.eq(None::<String>),
        accounts::status.eq(Code(AccountStatus::Disabled)),
        accounts::patient_id.eq(None::<Key>),
        accounts::practitioner_id.eq(None::<Key>),
        accounts::email_verified_at.eq(None::<At>),
        accounts::erased_at.eq(Some(At::from(now))),
        accounts::version.eq(account.version + 1),
        accounts::updated_at.eq(At::from(now)),
    );
    if diesel::update(row).set(changes).execute(db)? == 0 {
        return Ok(false);
    }
    diesel::delete(account_roles::table.filter(account_roles::account_id.eq(id))).execute(db)?;
    diesel::delete(passwords::table.find(id)).execute(db)?;
    Ok(true)
}

/// Another password.
pub fn set_password(db: &mut Db, id: AccountId, hash: &str, now: DateTime<Utc>) -> Result<()> {
    let kept = (passwords::hash.eq(hash), passwords::set_at.eq(At::from(now)));
    let values = (passwords::account_id.eq(Key::from(id)), kept);
    diesel::insert_into(passwords::table)
        .values(values)
        .upsert((passwords::account_id,), kept)
        .execute(db)?;
    Ok(())
}

/// The hash of the account's password, if it has one.
pub fn password(db: &mut Db, id: AccountId) -> Result<Option<String>> {
    Ok(passwords::table.find(Key::from(id)).select(passwords::hash).first(db).optional()?)
}

/// Whose e-mail address this is.
pub fn find_by_email(db: &mut Db, email: &str) -> Result<Option<Account>> {
    let row: Option<Row> =
        accounts::table.filter(accounts::email.eq(email)).select(Row::as_select()).first(db).optional()?;
    row.map(|row| complete(db, row)).transpose()
}

/// Whether any account has the role admin.
pub fn admin_exists(db: &mut Db) -> Result<bool> {
    let admins = account_roles::table.filter(account_roles::role.eq(Code(Role::Admin)));
    Ok(diesel::select(exists(admins)).get_result(db)?)
}

/// One page of the accounts, and how many there are in all.
pub fn list(db: &mut Db, list: &List<AccountFilters>) -> Result<(Vec<Account>, Option<i64>)> {
    macro_rules! filtered {
        ($query:expr) => {{
            let filters = &list.filters;
            let mut query = $query.filter(accounts::erased_at.is_null()).into_boxed();
            query = compare!(query, accounts::status, filters.status, |status| Code(status));
            query = compare!(query, accounts::email, filters.email, |email| String::from(email));
            query = compare!(query, accounts::created_at, filters.created_at, |at| At(at));
            let wanted = filters.role.eq.iter().chain(filters.role.r#in.iter().flatten());
            let wanted: Vec<_> = wanted.map(|role| Code(*role)).collect();
            if !wanted.is_empty() {
                let of_account = account_roles::table.filter(account_roles::account_id.eq(accounts::id));
                query = query.filter(exists(of_account.filter(account_roles::role.eq_any(wanted))));
            }
            if let Some(part) = &list.search {
                let pattern = like_pattern(part);
                let email = lower(accounts::email).like(pattern.clone()).escape('\\');
                let username = lower(accounts::username).like(pattern).escape('\\');
                query = query.filter(email.nullable().or(username));
            }
            query
        }};
    }
    let query = filtered!(accounts::table.select(Row::as_select()));
    let query = hms_service::page!(query, list, accounts::id, {
        "created_at" => accounts::created_at,
        "email" => accounts::email,
    });
    let rows: Vec<Row> = query.load(db)?;
    let count = if list.must_count(rows.len()) {
        Some(filtered!(accounts::table.select(count_star())).first(db)?)
    } else {
        list.count_known(rows.len())
    };
    Ok((complete_all(db, rows)?, count))
}

fn complete_all(db: &mut Db, rows: Vec<Row>) -> Result<Vec<Account>> {
    let ids: Vec<Key> = rows.iter().map(|row| row.id).collect();
    let pairs: Vec<(Key, Code<Role>)> = account_roles::table
        .filter(account_roles::account_id.eq_any(ids))
        .select((account_roles::account_id, account_roles::role))
        .order(account_roles::role)
        .load(db)?;
    let mut roles: HashMap<Key, Vec<Role>> = HashMap::new();
    for (id, role) in pairs {
        roles.entry(id).or_default().push(role.0);
    }
    let complete = |row: Row| {
        let mut roles = roles.remove(&row.id).unwrap_or_default();
        roles.sort_unstable();
        row.with(roles)
    };
    Ok(rows.into_iter().map(complete).collect())
}

/// Which name was taken, where that is why an account could not be inserted.
pub fn taken_name(error: &Error) -> Option<&'static str> {
    match error {
        Error::Unique { constraint: Some(constraint), .. } if constraint == "accounts_email_key" => {
            Some("email")
        }
        Error::Unique { constraint: Some(constraint), .. } if constraint == "accounts_username_key" => {
            Some("username")
        }
        _ => None,
    }
}
