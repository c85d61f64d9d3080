//! Dead letters: events that a service could not take. Nothing is thrown away: they wait in the service's own
//! database, with the reason, until someone sends them again or drops them. Over RabbitMQ they come by way of a
//! queue; in process they are written here at once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use hms_db::{At, Code, Db, InsertExt, Json, Key, LockExt, MultiBackend, Result};
use hms_model::coded_enum;
use hms_model::event::Envelope;
use hms_model::id::{EventId, PatientId};
use serde_json::Value;

use crate::schema::dead_letters;

/// The table, for lists: lay filters and order over it and hand it to [`headings`].
pub use crate::schema::dead_letters as letters;

/// An event that a service could not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// What is known of it.
    pub heading: Heading,
    /// The message as it came: an envelope in JSON, unless that is what is wrong with it.
    pub body: Vec<u8>,
}

/// What is known of a letter without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The event; an id of our own for a message that is none.
    pub event_id: EventId,
    /// Its type; empty when nobody knows.
    pub kind: String,
    /// The aggregate that it is about; empty when nobody knows.
    pub subject: String,
    /// Why it was given up, the last time. May quote the event.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was given up, the last time.
    pub died_at: DateTime<Utc>,
    /// The patients that it names.
    pub patients: Vec<PatientId>,
}

/// How a letter is named whose body does not tell.
#[derive(Debug, Clone)]
pub struct Label {
    /// As [`Heading::event_id`].
    pub event_id: EventId,
    /// As [`Heading::kind`].
    pub kind: String,
    /// As [`Heading::subject`].
    pub subject: String,
}

/// How an event was given up.
#[derive(Debug, Clone)]
pub struct Death {
    /// As [`Heading::reason`].
    pub reason: String,
    /// As [`Heading::attempts`].
    pub attempts: i64,
    /// As [`Heading::died_at`].
    pub at: DateTime<Utc>,
}

coded_enum! {
    /// How a body is kept.
    enum Encoding {
        /// As it is.
        Text = "text",
        /// In base64, since it is no text that a database takes.
        Base64 = "base64",
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = dead_letters)]
struct HeadingRow {
    event_id: Key,
    kind: String,
    subject: String,
    reason: String,
    attempts: i64,
    died_at: At,
    patient_ids: Json,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = dead_letters)]
struct BodyRow {
    body: String,
    encoding: Code<Encoding>,
}

impl DeadLetter {
    /// A letter with this body; `label` names it when the body is no envelope.
    pub fn new(body: Vec<u8>, label: Label, death: Death) -> Self {
        let label = match serde_json::from_slice::<Envelope>(&body) {
            Ok(Envelope { id, kind, subject, .. }) => Label { event_id: id, kind, subject },
            Err(_) => label,
        };
        let patients = serde_json::from_slice(&body).map(|value| patients_in(&value)).unwrap_or_default();
        let Label { event_id, kind, subject } = label;
        let Death { reason, attempts, at: died_at } = death;
        let heading = Heading { event_id, kind, subject, reason, attempts, died_at, patients };
        Self { heading, body }
    }

    /// The event in it, if there is one.
    pub fn envelope(&self) -> serde_json::Result<Envelope> {
        serde_json::from_slice(&self.body)
    }

    /// The body as text, if it is any.
    pub fn text(&self) -> Option<&str> {
        // PostgreSQL has no text with this character in it, and no JSON has it either.
        std::str::from_utf8(&self.body).ok().filter(|text| !text.contains('\0'))
    }
}

/// The patients that JSON names, in fields of the names that all our payloads use.
fn patients_in(value: &Value) -> Vec<PatientId> {
    let mut found = Vec::new();
    collect_patients(value, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn collect_patients(value: &Value, found: &mut Vec<PatientId>) {
    let id = |value: &Value| value.as_str().and_then(|text| text.parse::<PatientId>().ok());
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("patient_id", value) => found.extend(id(value)),
                    ("patient_ids", Value::Array(ids)) => found.extend(ids.iter().filter_map(id)),
                    (_, value) => collect_patients(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_patients(item, found)),
        _ => {}
    }
}

/// Keeps a letter; one that dies again keeps its first row with the newest reason.
pub fn put(db: &mut Db, letter: DeadLetter) -> Result<()> {
    let rows = (HeadingRow::of(&letter.heading)?, BodyRow::of(&letter));
    let newest = (
        dead_letters::reason.eq(rows.0.reason.clone()),
        dead_letters::attempts.eq(rows.0.attempts),
        dead_letters::died_at.eq(rows.0.died_at),
    );
    diesel::insert_into(dead_letters::table)
        .values(rows)
        .upsert((dead_letters::event_id,), newest)
        .execute(db)?;
    Ok(())
}

/// The headings that a query over [`letters`] finds.
pub fn headings(db: &mut Db, query: letters::BoxedQuery<'_, MultiBackend>) -> Result<Vec<Heading>> {
    let rows: Vec<HeadingRow> = query.select(HeadingRow::as_select()).load(db)?;
    rows.into_iter().map(HeadingRow::heading).collect()
}

/// One letter, whole.
pub fn find(db: &mut Db, id: EventId) -> Result<DeadLetter> {
    let whole = (HeadingRow::as_select(), BodyRow::as_select());
    letter(dead_letters::table.find(Key::from(id)).select(whole).first(db)?)
}

/// The same, locked until the end of the transaction: whoever else wants it waits.
pub(crate) fn lock(db: &mut Db, id: EventId) -> Result<DeadLetter> {
    let whole = (HeadingRow::as_select(), BodyRow::as_select());
    letter(dead_letters::table.find(Key::from(id)).select(whole).lock(db).get_result(db)?)
}

fn letter((heading, body): (HeadingRow, BodyRow)) -> Result<DeadLetter> {
    Ok(DeadLetter { heading: heading.heading()?, body: body.bytes()? })
}

/// How many there are.
pub fn count(db: &mut Db) -> Result<i64> {
    Ok(dead_letters::table.count().get_result(db)?)
}

/// Notes one more attempt that failed.
pub(crate) fn refuse(db: &mut Db, id: EventId, reason: &str, now: DateTime<Utc>) -> Result<()> {
    diesel::update(dead_letters::table.find(Key::from(id)))
        .set((
            dead_letters::reason.eq(storable(reason)),
            dead_letters::attempts.eq(dead_letters::attempts + 1),
            dead_letters::died_at.eq(At::from(now)),
        ))
        .execute(db)?;
    Ok(())
}

/// Takes one away for good; gives back what was known of it.
pub fn remove(db: &mut Db, id: EventId) -> Result<Heading> {
    let row: HeadingRow =
        dead_letters::table.find(Key::from(id)).select(HeadingRow::as_select()).lock(db).get_result(db)?;
    diesel::delete(dead_letters::table.find(Key::from(id))).execute(db)?;
    row.heading()
}

/// The same for one that may be gone already: what it asked for is done in another way.
pub fn forget(db: &mut Db, id: EventId) -> Result<()> {
    diesel::delete(dead_letters::table.find(Key::from(id))).execute(db)?;
    Ok(())
}

/// PostgreSQL has no text with a NUL in it, and a letter must not fail to be kept.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl HeadingRow {
    fn of(heading: &Heading) -> Result<Self> {
        let patients = serde_json::to_value(&heading.patients)
            .map_err(|error| DieselError::SerializationError(error.into()))?;
        Ok(Self {
            event_id: heading.event_id.into(),
            kind: storable(&heading.kind),
            subject: storable(&heading.subject),
            reason: storable(&heading.reason),
            attempts: heading.attempts,
            died_at: heading.died_at.into(),
            patient_ids: Json(patients),
        })
    }

    fn heading(self) -> Result<Heading> {
        let Self { event_id, kind, subject, reason, attempts, died_at, patient_ids } = self;
        let (event_id, died_at) = (event_id.into(), died_at.into());
        let patients = serde_json::from_value(patient_ids.0)
            .map_err(|error| DieselError::DeserializationError(error.into()))?;
        Ok(Heading { event_id, kind, subject, reason, attempts, died_at, patients })
    }
}

impl BodyRow {
    fn of(letter: &DeadLetter) -> Self {
        match letter.text() {
            Some(text) => Self { body: text.to_owned(), encoding: Code(Encoding::Text) },
            None => Self { body: BASE64.encode(&letter.body), encoding: Code(Encoding::Base64) },
        }
    }

    fn bytes(self) -> Result<Vec<u8>> {
        match self.encoding.0 {
            Encoding::Text => Ok(self.body.into_bytes()),
            Encoding::Base64 => Ok(BASE64
                .decode(self.body)
                .map_err(|error| DieselError::DeserializationError(error.into()))?),
        }
    }
}

#[cfg(test)]
mod tests {
    use hms_db::{Database, Migrations, PoolOptions};
    use hms_model::Clock;
    use hms_model::id::Id;
    use hms_testkit::database::TestDatabase;
    use serde_json::json;

    use super::*;

    fn letter(body: &[u8], reason: &str) -> DeadLetter {
        let now = Clock::system().now();
        let label = Label { event_id: Id::new(now), kind: "a\0b".into(), subject: String::new() };
        DeadLetter::new(body.to_vec(), label, Death { reason: reason.into(), attempts: 1, at: now })
    }

    hms_testkit::on_both_back_ends! {
        async fn a_letter_is_kept_byte_by_byte_whatever_is_in_it(backend) {
            let own = TestDatabase::new(backend, "letters", &Migrations::new().and(crate::MIGRATIONS)).await;
            let database = Database::new(own.url.clone(), PoolOptions::default());
            for body in [b"".as_slice(), b"text", "Ærø".as_bytes(), b"a\0b", b"\xff\xfe", br#"{"a":"\u0000"}"#] {
                let sent = letter(body, "no\0good");
                let id = sent.heading.event_id;
                database.write(move |db| put(db, sent)).await.unwrap();
                let kept = database.read(move |db| find(db, id)).await.unwrap();
                assert_eq!(kept.body, body);
                assert_eq!((kept.heading.kind.as_str(), kept.heading.reason.as_str()), ("a\u{fffd}b", "no\u{fffd}good"));
            }
            assert_eq!(database.read(count).await.unwrap(), 6);
        }

        async fn one_that_dies_again_has_the_newest_reason(backend) {
            let own = TestDatabase::new(backend, "letters", &Migrations::new().and(crate::MIGRATIONS)).await;
            let database = Database::new(own.url.clone(), PoolOptions::default());
            let first = letter(b"x", "first");
            let mut second = first.clone();
            second.heading.reason = "second".into();
            second.heading.attempts = 5;
            let expected = second.heading.clone();
            database.write(move |db| put(db, first).and_then(|()| put(db, second))).await.unwrap();
            let found = database.read(|db| headings(db, letters::table.into_boxed())).await.unwrap();
            assert_eq!(found.iter().map(|heading| (heading.event_id, heading.reason.as_str(), heading.attempts)).collect::<Vec<_>>(),
                [(expected.event_id, "second", 5)]);
        }
    }

    #[test]
    fn a_letter_names_the_patients_of_its_payload() {
        let [ann, ben, eve] = [(); 3].map(|()| PatientId::new(Clock::system().now()));
        let data =
            json!({"patient_id": ann, "more": [{"patient_ids": [ben, ann, "nobody"]}], "account_id": eve});
        assert_eq!(letter(data.to_string().as_bytes(), "").heading.patients, [ann, ben]);
        assert_eq!(letter(b"patient_id", "").heading.patients, []);
    }
}
