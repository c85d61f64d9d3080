//! The messages in the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use hms_api::{List, Page};
use hms_db::{At, Code, Db, InsertExt, Json, Key, LockExt, MultiBackend, Result, compare};
use hms_model::id::{NotificationId, PatientId};
use hms_model::role::Reach;

use crate::api::notifications::list::NotificationFilters;
use crate::domain::{ChannelKind, Kind, Letter, Message, Status};
use crate::schema::messages;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = messages)]
struct Row {
    id: Key,
    version: i64,
    event_id: Key,
    kind: Code<Kind>,
    channel: Code<ChannelKind>,
    status: Code<Status>,
    patient_id: Key,
    facts: Json,
    subject: String,
    recipient: Option<String>,
    body: Option<String>,
    attempts: i64,
    due_at: At,
    created_at: At,
    sent_at: Option<At>,
    error: Option<String>,
}

/// Adds a message, unless the same event has called for it before.
pub fn add(db: &mut Db, message: &Message) -> Result<()> {
    diesel::insert_into(messages::table).values(Row::of(message)?).or_ignore().execute(db)?;
    Ok(())
}

/// The message of this id.
pub fn find(db: &mut Db, id: NotificationId) -> Result<Message> {
    let row: Row = messages::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.message()
}

/// Messages to be taken up now, except those that another sender is just taking up; locked.
pub fn due(db: &mut Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<Message>> {
    let query = messages::table
        .filter(messages::status.eq(Code(Status::Pending)))
        .filter(messages::due_at.le(At(now)))
        .select(Row::as_select())
        .order((messages::due_at, messages::id))
        .limit(limit)
        .lock_skip(db);
    let rows: Vec<Row> = query.load(db)?;
    rows.into_iter().map(Row::message).collect()
}

/// When the next pending message is due.
pub fn next_due(db: &mut Db) -> Result<Option<DateTime<Utc>>> {
    let pending = messages::table.filter(messages::status.eq(Code(Status::Pending)));
    let next: Option<At> = pending.select(diesel::dsl::min(messages::due_at)).first(db)?;
    Ok(next.map(Into::into))
}

/// Saves a pending message that has changed; none when someone else has changed it since it was read.
pub fn save(db: &mut Db, message: Message) -> Result<Option<Message>> {
    let read = messages::table.find(Key::from(message.id)).filter(messages::version.eq(message.version));
    let pending = read.filter(messages::status.eq(Code(Status::Pending)));
    let message = Message { version: message.version + 1, ..message };
    let changes = (
        messages::version.eq(message.version),
        messages::status.eq(Code(message.status)),
        messages::recipient.eq(message.letter.as_ref().map(|letter| letter.recipient.clone())),
        messages::body.eq(message.letter.as_ref().map(|letter| letter.body.clone())),
        messages::attempts.eq(message.attempts),
        messages::due_at.eq(At(message.due_at)),
        messages::sent_at.eq(message.sent_at.map(At)),
        messages::error.eq(message.error.clone()),
    );
    let saved = diesel::update(pending).set(changes).execute(db)?;
    Ok(Some(message).filter(|_| saved == 1))
}

/// Makes the messages due that wait for word of this patient; says how many.
pub fn make_due(db: &mut Db, patient: PatientId, now: DateTime<Utc>) -> Result<usize> {
    let waiting = messages::table
        .filter(messages::patient_id.eq(Key::from(patient)))
        .filter(messages::status.eq(Code(Status::Pending)))
        .filter(messages::recipient.is_null());
    Ok(diesel::update(waiting).set(messages::due_at.eq(At(now))).execute(db)?)
}

/// One page of the messages that match and that the caller may see.
pub fn list(db: &mut Db, list: &List<NotificationFilters>, reach: Reach) -> Result<Page<Message>> {
    let matching = || matching(&list.filters, reach);
    let query = hms_service::page!(matching(), list, messages::id, { "created_at" => messages::created_at });
    let rows: Vec<Row> = query.select(Row::as_select()).load(db)?;
    let count = match list.must_count(rows.len()) {
        true => Some(matching().count().get_result(db)?),
        false => list.count_known(rows.len()),
    };
    let found = rows.into_iter().map(Row::message).collect::<Result<Vec<_>>>()?;
    Ok(Page::new(list, found, count, |message| message.id.uuid()))
}

fn matching(filters: &NotificationFilters, reach: Reach) -> messages::BoxedQuery<'static, MultiBackend> {
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
    query = compare!(query, messages::status, filters.status, |status| Code(status));
    query = compare!(query, messages::channel, filters.channel, |channel| Code(channel));
    query = compare!(query, messages::kind, filters.kind, |kind| Code(kind));
    query = compare!(query, messages::patient_id, filters.patient_id, |id| Key::from(id));
    compare!(query, messages::created_at, filters.created_at, |at| At(at))
}

impl Row {
    fn of(message: &Message) -> Result<Self> {
        let facts = serde_json::to_value(&message.appointment);
        let facts = facts.map_err(|error| DieselError::SerializationError(error.into()))?;
        let (recipient, body) = message.letter.clone().map(|letter| (letter.recipient, letter.body)).unzip();
        Ok(Self {
            id: message.id.into(),
            version: message.version,
            event_id: message.event_id.into(),
            kind: message.kind.into(),
            channel: message.channel.into(),
            status: message.status.into(),
            patient_id: message.patient_id.into(),
            facts: Json(facts),
            subject: message.subject.clone(),
            recipient,
            body,
            attempts: message.attempts,
            due_at: message.due_at.into(),
            created_at: message.created_at.into(),
            sent_at: message.sent_at.map(Into::into),
            error: message.error.clone(),
        })
    }

    fn message(self) -> Result<Message> {
        let appointment = serde_json::from_value(self.facts.0);
        let appointment = appointment.map_err(|error| DieselError::DeserializationError(error.into()))?;
        Ok(Message {
            id: self.id.into(),
            version: self.version,
            event_id: self.event_id.into(),
            kind: self.kind.0,
            channel: self.channel.0,
            status: self.status.0,
            patient_id: self.patient_id.into(),
            appointment,
            subject: self.subject,
            letter: self.recipient.zip(self.body).map(|(recipient, body)| Letter { recipient, body }),
            attempts: self.attempts,
            due_at: self.due_at.into(),
            created_at: self.created_at.into(),
            sent_at: self.sent_at.map(Into::into),
            error: self.error,
        })
    }
}
