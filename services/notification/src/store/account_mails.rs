//! The mails about accounts in the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Code, Db, InsertExt, Key, LockExt, Result};

use crate::domain::{AccountMail, AccountMailKind, Letter, REMEMBERED, Status};
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

/// Adds a mail, unless the same event has called for it before.
pub fn add(db: &mut Db, mail: AccountMail) -> Result<()> {
    diesel::insert_into(account_mails::table).values(Row::of(mail)).or_ignore().execute(db)?;
    Ok(())
}

/// Mails to be taken up now, except those that another sender is just taking up; locked.
pub fn due(db: &mut Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<AccountMail>> {
    let query = account_mails::table
        .filter(account_mails::status.eq(Code(Status::Pending)))
        .filter(account_mails::due_at.le(At(now)))
        .select(Row::as_select())
        .order((account_mails::due_at, account_mails::id))
        .limit(limit)
        .lock_skip(db);
    let rows: Vec<Row> = query.load(db)?;
    Ok(rows.into_iter().map(Row::mail).collect())
}

/// When the next pending mail is due.
pub fn next_due(db: &mut Db) -> Result<Option<DateTime<Utc>>> {
    let pending = account_mails::table.filter(account_mails::status.eq(Code(Status::Pending)));
    let next: Option<At> = pending.select(diesel::dsl::min(account_mails::due_at)).first(db)?;
    Ok(next.map(Into::into))
}

/// Saves a pending mail that has changed; none when someone else has changed it since it was read.
pub fn save(db: &mut Db, mail: AccountMail) -> Result<Option<AccountMail>> {
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
