//! The rows of messages.

use diesel::prelude::*;
use hms_db::{At, Code, Json, Key, PgColumn, Result};
use hms_model::Coded as _;

use crate::domain::{Cause, ChannelKind, Kind, Letter, Message, Status};
use crate::schema::messages;
use crate::store::{read_json, write_json};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = messages)]
pub struct Row {
    pub id: Key,
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
    occasion: String,
    lane: i64,
    appointment_id: Option<Key>,
    expires_at: Option<At>,
    read_at: Option<At>,
    job_at: At,
    devices: Option<Json>,
}

/// A row as it is added.
pub const COLUMNS: [PgColumn; 23] = [
    ("id", "uuid"),
    ("version", "bigint"),
    ("event_id", "uuid"),
    ("kind", "text"),
    ("channel", "text"),
    ("status", "text"),
    ("patient_id", "uuid"),
    ("facts", "jsonb"),
    ("subject", "text"),
    ("recipient", "text"),
    ("body", "text"),
    ("attempts", "bigint"),
    ("due_at", "timestamptz"),
    ("created_at", "timestamptz"),
    ("sent_at", "timestamptz"),
    ("error", "text"),
    ("occasion", "text"),
    ("lane", "bigint"),
    ("appointment_id", "uuid"),
    ("expires_at", "timestamptz"),
    ("read_at", "timestamptz"),
    ("job_at", "timestamptz"),
    ("devices", "jsonb"),
];

/// What changes of a message.
pub const CHANGES: [PgColumn; 14] = [
    ("id", "uuid"),
    ("version", "bigint"),
    ("channel", "text"),
    ("status", "text"),
    ("subject", "text"),
    ("recipient", "text"),
    ("body", "text"),
    ("attempts", "bigint"),
    ("due_at", "timestamptz"),
    ("job_at", "timestamptz"),
    ("sent_at", "timestamptz"),
    ("read_at", "timestamptz"),
    ("error", "text"),
    ("devices", "jsonb"),
];

impl Row {
    pub fn of(message: &Message) -> Result<Self> {
        let cause = &message.cause;
        let (recipient, body) = message.letter.clone().map(|letter| (letter.recipient, letter.body)).unzip();
        let appointment = cause.about.visit().and_then(|visit| visit.appointment_id);
        Ok(Self {
            id: message.id.into(),
            version: message.version,
            event_id: cause.event_id.into(),
            kind: cause.kind.into(),
            channel: message.channel.into(),
            status: message.status.into(),
            patient_id: cause.patient_id.into(),
            facts: write_json(&cause.about)?,
            subject: message.subject.clone(),
            recipient,
            body,
            attempts: message.attempts,
            due_at: message.due_at.into(),
            created_at: message.created_at.into(),
            sent_at: message.sent_at.map(Into::into),
            error: message.error.clone(),
            occasion: cause.occasion.clone(),
            lane: cause.lane().rank(),
            appointment_id: appointment.map(Key::from),
            expires_at: message.expires_at.map(Into::into),
            read_at: message.read_at.map(Into::into),
            job_at: message.job_at.into(),
            devices: message.devices.as_ref().map(write_json).transpose()?,
        })
    }

    /// In the order of [`COLUMNS`].
    pub fn texts(self) -> [Option<String>; 23] {
        let lane = self.lane.to_string();
        let created_at = self.created_at.0.to_rfc3339();
        let [id, event_id, patient_id] = [self.id, self.event_id, self.patient_id].map(|id| id.0.to_string());
        let (kind, facts) = (self.kind.0.code().to_owned(), self.facts.0.to_string());
        let (occasion, appointment_id) =
            (self.occasion.clone(), self.appointment_id.map(|id| id.0.to_string()));
        let expires_at = self.expires_at.map(|at| at.0.to_rfc3339());
        let changes = self.changes();
        let [_, version, channel, status, subject, recipient, body, attempts, due_at, rest @ ..] = changes;
        let [job_at, sent_at, read_at, error, devices] = rest;
        let [id, event_id, kind, patient_id, facts] = [id, event_id, kind, patient_id, facts].map(Some);
        let [created_at, occasion, lane] = [created_at, occasion, lane].map(Some);
        [
            id,
            version,
            event_id,
            kind,
            channel,
            status,
            patient_id,
            facts,
            subject,
            recipient,
            body,
            attempts,
            due_at,
            created_at,
            sent_at,
            error,
            occasion,
            lane,
            appointment_id,
            expires_at,
            read_at,
            job_at,
            devices,
        ]
    }

    /// In the order of [`CHANGES`].
    pub fn changes(self) -> [Option<String>; 14] {
        let [version, attempts] = [self.version, self.attempts].map(|count| Some(count.to_string()));
        let [due_at, job_at] = [self.due_at, self.job_at].map(|at| Some(at.0.to_rfc3339()));
        let [sent_at, read_at] = [self.sent_at, self.read_at].map(|at| at.map(|at| at.0.to_rfc3339()));
        let [channel, status] =
            [self.channel.0.code(), self.status.0.code()].map(|code| Some(code.to_owned()));
        let (id, subject) = (Some(self.id.0.to_string()), Some(self.subject));
        let devices = self.devices.map(|devices| devices.0.to_string());
        [
            id,
            version,
            channel,
            status,
            subject,
            self.recipient,
            self.body,
            attempts,
            due_at,
            job_at,
            sent_at,
            read_at,
            self.error,
            devices,
        ]
    }

    pub fn message(self) -> Result<Message> {
        let cause = Cause {
            event_id: self.event_id.into(),
            occasion: self.occasion,
            kind: self.kind.0,
            patient_id: self.patient_id.into(),
            about: read_json(self.facts)?,
        };
        Ok(Message {
            id: self.id.into(),
            version: self.version,
            cause,
            channel: self.channel.0,
            status: self.status.0,
            subject: self.subject,
            letter: self.recipient.zip(self.body).map(|(recipient, body)| Letter { recipient, body }),
            attempts: self.attempts,
            due_at: self.due_at.into(),
            job_at: self.job_at.into(),
            expires_at: self.expires_at.map(Into::into),
            created_at: self.created_at.into(),
            sent_at: self.sent_at.map(Into::into),
            read_at: self.read_at.map(Into::into),
            devices: self.devices.map(read_json).transpose()?,
            error: self.error,
        })
    }
}
