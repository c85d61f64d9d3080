//! The mails about accounts in the database.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Code, Db, InsertExt, Key, LockExt, PgColumn, PgRows, Result};
use hms_model::Coded as _;
use hms_model::id::NotificationId;

use crate::domain::{AccountMail, AccountMailKind, Letter, REMEMBERED, Status, lost_after};
use crate::schema::account_mails;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = account_mails)]
struct Row {
    id: Key,
    version: i64,
    event_id: Key,
    kind: Code<AccountMailKind>,
    status: Code<Status>,
    recipient: Option<String>,
    subject: String,
    body: Option<String>,
    attempts: i64,
    due_at: At,
    expires_at: At,
    created_at: At,
    error: Option<String>,
}

/// Mails of some ids.
macro_rules! these {
    ($ids:expr) => {
        account_mails::table
            .filter(account_mails::id.eq_any($ids))
            .select(Row::as_select())
            .order(account_mails::id)
    };
}

/// Adds mails, each unless the same event has called for it before, in one round trip on PostgreSQL. Gives those that were
/// added; they are to be given jobs with that.
pub fn add_all(db: &mut Db, new: Vec<AccountMail>) -> Result<Vec<AccountMail>> {
    if new.is_empty() {
        return Ok(new);
    }
    let rows = new.iter().map(|mail| (Row::of(mail.clone()), lost_after(mail.created_at)));
    let added: HashSet<Key> = match db {
        Db::Pg(connection) => {
            let mut all = PgRows::into_table("account_mails", COLUMNS).or_ignore();
            rows.for_each(|(row, job_at)| all.push(row.texts(job_at)));
            all.load::<Key>(connection)?.into_iter().collect()
        }
        Db::Sqlite(_) => {
            let mut added = HashSet::new();
            for (row, job_at) in rows {
                let id = row.id;
                let row = (row, account_mails::job_at.eq(At(job_at)));
                if diesel::insert_into(account_mails::table).values(row).or_ignore().execute(db)? == 1 {
                    added.insert(id);
                }
            }
            added
        }
    };
    Ok(new.into_iter().filter(|mail| added.contains(&mail.id.into())).collect())
}

const COLUMNS: [PgColumn; 14] = [
    ("id", "uuid"),
    ("version", "bigint"),
    ("event_id", "uuid"),
    ("kind", "text"),
    ("status", "text"),
    ("recipient", "text"),
    ("subject", "text"),
    ("body", "text"),
    ("attempts", "bigint"),
    ("due_at", "timestamptz"),
    ("expires_at", "timestamptz"),
    ("created_at", "timestamptz"),
    ("error", "text"),
    ("job_at", "timestamptz"),
];

/// These, as far as they are there; locked.
pub fn hold_all(db: &mut Db, ids: &[NotificationId]) -> Result<Vec<AccountMail>> {
    let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
    let rows: Vec<Row> = match db {
        Db::Pg(connection) => these!(ids).for_update().load(connection)?,
        Db::Sqlite(connection) => these!(ids).load(connection)?,
    };
    Ok(rows.into_iter().map(Row::mail).collect())
}

/// Pending mails that are to be given a job, with the time when that was due; locked, except those that somebody else has
/// locked.
pub fn without_job(db: &mut Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<(AccountMail, DateTime<Utc>)>> {
    let query = account_mails::table
        .filter(account_mails::status.eq(Code(Status::Pending)))
        .filter(account_mails::job_at.le(At(now)))
        .select((Row::as_select(), account_mails::job_at))
        .order(account_mails::job_at)
        .limit(limit)
        .lock_skip(db);
    let rows: Vec<(Row, At)> = query.load(db)?;
    Ok(rows.into_iter().map(|(row, job_at)| (row.mail(), job_at.into())).collect())
}

/// When the next mail is to be given one.
pub fn next_job(db: &mut Db) -> Result<Option<DateTime<Utc>>> {
    let pending = account_mails::table.filter(account_mails::status.eq(Code(Status::Pending)));
    let next: Option<At> = pending.select(diesel::dsl::min(account_mails::job_at)).first(db)?;
    Ok(next.map(Into::into))
}

/// They are not given another one before then.
pub fn have_job(db: &mut Db, ids: &[NotificationId], until: DateTime<Utc>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
    let all = account_mails::table.filter(account_mails::id.eq_any(ids));
    diesel::update(all).set(account_mails::job_at.eq(At(until))).execute(db)?;
    Ok(())
}

/// Saves pending mails that have changed, in one round trip on PostgreSQL; gives those that nobody else has changed since
/// they were read.
pub fn save_all(db: &mut Db, changed: Vec<AccountMail>) -> Result<Vec<AccountMail>> {
    if changed.is_empty() {
        return Ok(changed);
    }
    let Db::Pg(connection) = db else {
        return changed.into_iter().filter_map(|mail| save(db, mail).transpose()).collect();
    };
    let mut rows = PgRows::change("account_mails", CHANGES);
    changed.iter().for_each(|mail| rows.push(Row::of(mail.clone()).changes()));
    let saved: HashSet<Key> = rows.load::<Key>(connection)?.into_iter().collect();
    let saved = changed.into_iter().filter(|mail| saved.contains(&mail.id.into()));
    Ok(saved.map(|mail| AccountMail { version: mail.version + 1, ..mail }).collect())
}

/// What [`save_all`] changes. Whatever is no longer pending has another version.
const CHANGES: [PgColumn; 9] = [
    ("id", "uuid"),
    ("version", "bigint"),
    ("status", "text"),
    ("recipient", "text"),
    ("body", "text"),
    ("attempts", "bigint"),
    ("due_at", "timestamptz"),
    ("job_at", "timestamptz"),
    ("error", "text"),
];

fn save(db: &mut Db, mail: AccountMail) -> Result<Option<AccountMail>> {
    let pending = account_mails::table
        .find(Key::from(mail.id))
        .filter(account_mails::version.eq(mail.version))
        .filter(account_mails::status.eq(Code(Status::Pending)));
    let mail = AccountMail { version: mail.version + 1, ..mail };
    let (recipient, body) = mail.letter.clone().map(|letter| (letter.recipient, letter.body)).unzip();
    let changes = (
        account_mails::version.eq(mail.version),
        account_mails::status.eq(Code(mail.status)),
        account_mails::recipient.eq(recipient),
        account_mails::body.eq(body),
        account_mails::attempts.eq(mail.attempts),
        account_mails::due_at.eq(At(mail.due_at)),
        account_mails::job_at.eq(At(mail.due_at)),
        account_mails::error.eq(mail.error.clone()),
    );
    let saved = diesel::update(pending).set(changes).execute(db)?;
    Ok(Some(mail).filter(|_| saved == 1))
}

/// Deletes what came to its end long ago.
pub fn prune(db: &mut Db, now: DateTime<Utc>) -> Result<usize> {
    let old = account_mails::table
        .filter(account_mails::created_at.lt(At(now - REMEMBERED)))
        .filter(account_mails::status.ne(Code(Status::Pending)));
    Ok(diesel::delete(old).execute(db)?)
}

impl Row {
    fn of(mail: AccountMail) -> Self {
        let (recipient, body) = mail.letter.map(|letter| (letter.recipient, letter.body)).unzip();
        Self {
            id: mail.id.into(),
            version: mail.version,
            event_id: mail.event_id.into(),
            kind: mail.kind.into(),
            status: mail.status.into(),
            recipient,
            subject: mail.subject,
            body,
            attempts: mail.attempts,
            due_at: mail.due_at.into(),
            expires_at: mail.expires_at.into(),
            created_at: mail.created_at.into(),
            error: mail.error,
        }
    }

    /// In the order of [`COLUMNS`].
    fn texts(self, job_at: DateTime<Utc>) -> [Option<String>; 14] {
        let [expires_at, created_at] = [self.expires_at, self.created_at].map(|at| Some(at.0.to_rfc3339()));
        let (event_id, kind) = (Some(self.event_id.0.to_string()), Some(self.kind.0.code().to_owned()));
        let (subject, job_at) = (Some(self.subject.clone()), Some(job_at.to_rfc3339()));
        let [id, version, status, recipient, body, attempts, due_at, _, error] = self.changes();
        [
            id, version, event_id, kind, status, recipient, subject, body, attempts, due_at, expires_at,
            created_at, error, job_at,
        ]
    }

    /// In the order of [`CHANGES`]: a job is due when the mail is.
    fn changes(self) -> [Option<String>; 9] {
        let [version, attempts] = [self.version, self.attempts].map(|count| Some(count.to_string()));
        let (id, status) = (Some(self.id.0.to_string()), Some(self.status.0.code().to_owned()));
        let due_at = Some(self.due_at.0.to_rfc3339());
        [id, version, status, self.recipient, self.body, attempts, due_at.clone(), due_at, self.error]
    }

    fn mail(self) -> AccountMail {
        AccountMail {
            id: self.id.into(),
            version: self.version,
            event_id: self.event_id.into(),
            kind: self.kind.0,
            status: self.status.0,
            letter: self.recipient.zip(self.body).map(|(recipient, body)| Letter { recipient, body }),
            subject: self.subject,
            attempts: self.attempts,
            due_at: self.due_at.into(),
            expires_at: self.expires_at.into(),
            created_at: self.created_at.into(),
            error: self.error,
        }
    }
}
