//! The mails about accounts in the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Code, Db, InsertExt, Key, LockExt, Result};
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

/// Adds a mail, unless the same event has called for it before. Says whether it was
/// added; it is to be given a job with that.
pub fn add(db: &mut Db, mail: AccountMail) -> Result<bool> {
    let job_at = account_mails::job_at.eq(At(lost_after(mail.created_at)));
    let row = (Row::of(mail), job_at);
    Ok(diesel::insert_into(account_mails::table).values(row).or_ignore().execute(db)? == 1)
}

/// These, as far as they are there; locked.
pub fn hold_all(db: &mut Db, ids: &[NotificationId]) -> Result<Vec<AccountMail>> {
    let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
    let all = account_mails::table.filter(account_mails::id.eq_any(ids));
    let rows: Vec<Row> = all.select(Row::as_select()).order(account_mails::id).lock(db).load(db)?;
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
