//! The messages in the database.

mod row;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_api::{Cmp, List, Page};
use hms_care::{Carer, Sight, in_care};
use hms_db::{At, Code, Db, InsertExt, KeepExt, Key, LockExt, MultiBackend, PgRows, Result, compare};
use hms_model::id::{AppointmentId, NotificationId, PatientId};
use hms_model::role::Reach;

use super::write_json;
use crate::api::notifications::list::NotificationFilters;
use crate::domain::{ChannelKind, Kind, Lane, Message, Status};
use crate::schema::messages;
use row::{CHANGES, COLUMNS, Row};

/// Which of the messages that have ended.
#[derive(Debug, Clone)]
pub struct Which {
    /// What has become of them.
    pub status: Status,
    /// What they are about.
    pub kind: Option<Kind>,
    /// The way they went.
    pub channel: Option<ChannelKind>,
    /// Those of events since then.
    pub since: Option<DateTime<Utc>>,
}

/// The queue of jobs that a message is sent by: one way, and what it goes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// The way.
    pub channel: ChannelKind,
    /// What it goes before.
    pub lane: Lane,
}

/// The pending messages of a lane.
macro_rules! pending {
    ($lane:expr) => {
        messages::table
            .filter(messages::status.eq(Code(Status::Pending)))
            .filter(messages::lane.eq($lane.rank()))
    };
}

/// Messages of some ids.
macro_rules! these {
    ($ids:expr) => {
        // Whoever locks several of them does so in this order.
        messages::table.filter(messages::id.eq_any($ids)).select(Row::as_select()).order(messages::id)
    };
}

/// Adds messages, each unless the same event has called for it before, in one round trip on PostgreSQL; gives those that
/// were added.
pub fn add_all(db: &mut Db, new: Vec<Message>) -> Result<Vec<Message>> {
    if new.is_empty() {
        return Ok(new);
    }
    let rows = new.iter().map(Row::of).collect::<Result<Vec<_>>>()?;
    let added: HashSet<Key> = match db {
        Db::Pg(connection) => {
            let mut all = PgRows::into_table("messages", COLUMNS).or_ignore();
            rows.into_iter().for_each(|row| all.push(row.texts()));
            all.load::<Key>(connection)?.into_iter().collect()
        }
        Db::Sqlite(_) => {
            let mut added = HashSet::new();
            for row in rows {
                let id = row.id;
                if diesel::insert_into(messages::table).values(row).or_ignore().execute(db)? == 1 {
                    added.insert(id);
                }
            }
            added
        }
    };
    Ok(new.into_iter().filter(|message| added.contains(&message.id.into())).collect())
}

/// The message of this id.
pub fn find(db: &mut Db, id: NotificationId) -> Result<Message> {
    let row: Row = messages::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.message()
}

/// The same, and nobody else changes it before the end of the transaction.
pub fn hold(db: &mut Db, id: NotificationId) -> Result<Message> {
    let query = messages::table.find(Key::from(id)).select(Row::as_select()).lock(db);
    let row: Row = query.get_result(db)?;
    row.message()
}

/// These, as far as they are there; locked.
pub fn hold_all(db: &mut Db, ids: &[NotificationId]) -> Result<Vec<Message>> {
    let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
    let rows: Vec<Row> = match db {
        Db::Pg(connection) => these!(ids).for_update().load(connection)?,
        Db::Sqlite(connection) => these!(ids).load(connection)?,
    };
    rows.into_iter().map(Row::message).collect()
}

/// Pending messages that are to be given a job, oldest first; locked, except those that somebody else has locked.
pub fn without_job(db: &mut Db, lane: Lane, now: DateTime<Utc>, limit: i64) -> Result<Vec<Message>> {
    let query = pending!(lane)
        .filter(messages::job_at.le(At(now)))
        .select(Row::as_select())
        .order(messages::job_at)
        .limit(limit)
        .lock_skip(db);
    let rows: Vec<Row> = query.load(db)?;
    rows.into_iter().map(Row::message).collect()
}

/// When the next message is to be given one.
pub fn next_job(db: &mut Db) -> Result<Option<DateTime<Utc>>> {
    let next = |lane: Lane| pending!(lane).select(diesel::dsl::min(messages::job_at)).single_value();
    let all = diesel::select((next(Lane::Urgent), next(Lane::Normal), next(Lane::Bulk)));
    let (urgent, normal, bulk): (Option<At>, Option<At>, Option<At>) = all.get_result(db)?;
    Ok([urgent, normal, bulk].into_iter().flatten().min().map(Into::into))
}

/// They are not given another one before then.
pub fn have_job(db: &mut Db, ids: &[NotificationId], until: DateTime<Utc>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
    let all = messages::table.filter(messages::id.eq_any(ids));
    diesel::update(all).set(messages::job_at.eq(At(until))).execute(db)?;
    Ok(())
}

/// Saves a message that has changed; none when someone else has changed it since it was read.
pub fn save(db: &mut Db, message: Message) -> Result<Option<Message>> {
    let read = messages::table.find(Key::from(message.id)).filter(messages::version.eq(message.version));
    let message = Message { version: message.version + 1, ..message };
    let changes = (
        messages::version.eq(message.version),
        messages::channel.eq(Code(message.channel)),
        messages::status.eq(Code(message.status)),
        messages::subject.eq(message.subject.clone()),
        messages::recipient.eq(message.letter.as_ref().map(|letter| letter.recipient.clone())),
        messages::body.eq(message.letter.as_ref().map(|letter| letter.body.clone())),
        messages::attempts.eq(message.attempts),
        messages::due_at.eq(At(message.due_at)),
        messages::job_at.eq(At(message.job_at)),
        messages::sent_at.eq(message.sent_at.map(At)),
        messages::read_at.eq(message.read_at.map(At)),
        messages::error.eq(message.error.clone()),
        messages::devices.eq(message.devices.as_ref().map(write_json).transpose()?),
    );
    let saved = diesel::update(read).set(changes).execute(db)?;
    Ok(Some(message).filter(|_| saved == 1))
}

/// [`save`] for several, in one round trip on PostgreSQL; gives those that were saved.
pub fn save_all(db: &mut Db, changed: Vec<Message>) -> Result<Vec<Message>> {
    if changed.is_empty() {
        return Ok(changed);
    }
    let Db::Pg(connection) = db else {
        return changed.into_iter().filter_map(|message| save(db, message).transpose()).collect();
    };
    let mut rows = PgRows::change("messages", CHANGES);
    for message in &changed {
        rows.push(Row::of(message)?.changes());
    }
    let saved: HashSet<Key> = rows.load::<Key>(connection)?.into_iter().collect();
    let saved = changed.into_iter().filter(|message| saved.contains(&message.id.into()));
    Ok(saved.map(|message| Message { version: message.version + 1, ..message }).collect())
}

/// Makes the messages due that wait for word of these patients; says how many.
pub fn make_due(
    db: &mut Db,
    patients: impl IntoIterator<Item = PatientId>,
    now: DateTime<Utc>,
) -> Result<usize> {
    let patients: Vec<Key> = patients.into_iter().map(Key::from).collect();
    let waiting = messages::table
        .filter(messages::patient_id.eq_any(patients))
        .filter(messages::status.eq(Code(Status::Pending)))
        .filter(messages::recipient.is_null());
    let changes = (messages::due_at.eq(At(now)), messages::job_at.eq(At(now)));
    Ok(diesel::update(waiting).set(changes).kept().execute(db)?)
}

/// Takes back the reminders of these appointments that are not sent yet, since they have changed.
pub fn withdraw_reminders(db: &mut Db, appointments: &[AppointmentId]) -> Result<usize> {
    if appointments.is_empty() {
        return Ok(0);
    }
    let appointments: Vec<Key> = appointments.iter().copied().map(Key::from).collect();
    let reminders = messages::table
        .filter(messages::appointment_id.eq_any(appointments))
        .filter(messages::status.eq(Code(Status::Pending)))
        .filter(messages::kind.eq(Code(Kind::Reminder)));
    let changes = (
        messages::version.eq(messages::version + 1),
        messages::status.eq(Code(Status::Skipped)),
        messages::error.eq("the appointment has changed"),
    );
    Ok(diesel::update(reminders).set(changes).kept().execute(db)?)
}

/// Those that match and have failed or gone nowhere, oldest first; locked.
pub fn ended(db: &mut Db, which: &Which, limit: i64) -> Result<Vec<Message>> {
    let mut query: messages::BoxedQuery<'static, MultiBackend> = messages::table.into_boxed();
    query = query.filter(messages::status.eq(Code(which.status)));
    if let Some(kind) = which.kind {
        query = query.filter(messages::kind.eq(Code(kind)));
    }
    if let Some(channel) = which.channel {
        query = query.filter(messages::channel.eq(Code(channel)));
    }
    if let Some(since) = which.since {
        query = query.filter(messages::created_at.ge(At(since)));
    }
    let query = query.order(messages::id).limit(limit).select(Row::as_select()).lock_skip(db);
    let rows: Vec<Row> = query.load(db)?;
    rows.into_iter().map(Row::message).collect()
}

/// One page of the messages that match and that the caller may see.
pub fn list(
    db: &mut Db,
    list: &List<NotificationFilters>,
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<Page<Message>> {
    let (reach, carer) = (sight.reach(), sight.carer(db)?);
    let matching = || matching(&list.filters, (reach, carer.as_ref()), now);
    let query = hms_service::page!(matching(), list, messages::id, { "created_at" => messages::created_at });
    let rows: Vec<Row> = query.select(Row::as_select()).load(db)?;
    let count = match list.must_count(rows.len()) {
        true => Some(matching().count().get_result(db)?),
        false => list.count_known(rows.len()),
    };
    let found = rows.into_iter().map(Row::message).collect::<Result<Vec<_>>>()?;
    Ok(Page::new(list, found, count, |message| message.id.uuid()))
}

fn matching(
    filters: &NotificationFilters,
    (reach, carer): (Reach, Option<&Carer>),
    now: DateTime<Utc>,
) -> messages::BoxedQuery<'static, MultiBackend> {
    let mut query = messages::table.into_boxed();
    let own: Option<Vec<Key>> = match reach {
        Reach::Everyone => None,
        Reach::Own { patient_id, .. } => Some(patient_id.into_iter().map(Key::from).collect()),
        // A message belongs to no department.
        Reach::Department { .. } => Some(Vec::new()),
    };
    if let Some(own) = own {
        query = query.filter(messages::patient_id.eq_any(own));
    }
    if let Some(carer) = carer {
        query = query.filter(in_care!(messages::patient_id, carer, now));
    }
    let read = |is_read: bool| {
        let Cmp { eq, r#in, .. } = &filters.read;
        eq.is_none_or(|wanted| wanted == is_read)
            && r#in.as_ref().is_none_or(|wanted| wanted.contains(&is_read))
    };
    query = match (read(true), read(false)) {
        (true, true) => query,
        (true, false) => query.filter(messages::read_at.is_not_null()),
        (false, true) => query.filter(messages::read_at.is_null()),
        (false, false) => query.filter(messages::id.ne(messages::id)),
    };
    query = compare!(query, messages::status, filters.status, |status| Code(status));
    query = compare!(query, messages::channel, filters.channel, |channel| Code(channel));
    query = compare!(query, messages::kind, filters.kind, |kind| Code(kind));
    query = compare!(query, messages::patient_id, filters.patient_id, |id| Key::from(id));
    compare!(query, messages::created_at, filters.created_at, |at| At(at))
}

impl Queue {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        ChannelKind::CARRIED.into_iter().flat_map(|channel| Lane::ALL.map(|lane| Self { channel, lane }))
    }

    /// The queue that the jobs of a message go into.
    pub fn of(message: &Message) -> Self {
        Self { channel: message.channel, lane: message.cause.lane() }
    }

    /// Its name in the registry of work queues.
    pub fn name(self) -> &'static str {
        match (self.channel, self.lane) {
            // What is only to be read is not sent, but nobody has to know that here.
            (ChannelKind::Email | ChannelKind::InApp, Lane::Urgent) => "jobs.send_email.urgent",
            (ChannelKind::Email | ChannelKind::InApp, Lane::Normal) => "jobs.send_email",
            (ChannelKind::Email | ChannelKind::InApp, Lane::Bulk) => "jobs.send_email.bulk",
            (ChannelKind::Sms, Lane::Urgent) => "jobs.send_sms.urgent",
            (ChannelKind::Sms, Lane::Normal) => "jobs.send_sms",
            (ChannelKind::Sms, Lane::Bulk) => "jobs.send_sms.bulk",
            (ChannelKind::Push, Lane::Urgent) => "jobs.send_push.urgent",
            (ChannelKind::Push, Lane::Normal) => "jobs.send_push",
            (ChannelKind::Push, Lane::Bulk) => "jobs.send_push.bulk",
        }
    }
}
