//! A ticket and what becomes of it.

use chrono::{DateTime, NaiveDate, Utc};
use hms_model::id::{AppointmentId, DepartmentId, DeskId, PatientId, TicketId};
use hms_model::{Text, coded_enum};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Place, due};
use crate::domain::Refusal;

coded_enum! {
    /// How urgent somebody is (the five levels of the Manchester triage).
    pub enum Triage {
        /// At once.
        Immediate = "immediate",
        /// Within minutes.
        VeryUrgent = "very_urgent",
        /// Within the hour.
        Urgent = "urgent",
        /// In turn.
        Standard = "standard",
        /// When the others are done.
        NonUrgent = "non_urgent",
    }
}

impl Triage {
    /// Its rank; less comes first.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Immediate => 1,
            Self::VeryUrgent => 2,
            Self::Urgent => 3,
            Self::Standard => 4,
            Self::NonUrgent => 5,
        }
    }
}

coded_enum! {
    /// How a ticket stands.
    pub enum TicketStatus {
        /// It waits for its turn.
        Waiting = "waiting",
        /// It is called to a desk.
        Called = "called",
        /// Its owner is at the desk.
        InService = "in_service",
        /// It is done.
        Served = "served",
        /// Nobody came when it was called; it can wait again.
        Skipped = "skipped",
        /// Its owner has gone.
        Left = "left",
    }
}

impl TicketStatus {
    /// Where it may go from here: the whole of the state machine.
    pub const fn moves(self) -> &'static [TicketStatus] {
        match self {
            Self::Waiting => &[Self::Called, Self::Skipped, Self::Left],
            Self::Called => &[Self::InService, Self::Waiting, Self::Skipped, Self::Left],
            Self::InService => &[Self::Served, Self::Left],
            Self::Skipped => &[Self::Waiting, Self::Left],
            Self::Served | Self::Left => &[],
        }
    }

    /// Whether somebody at a desk has to do with it.
    pub const fn is_at_desk(self) -> bool {
        matches!(self, Self::Called | Self::InService)
    }
}

/// What stands above a desk.
pub type DeskName = Text<1, 40>;

/// A desk that people are called to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Desk {
    /// Its id.
    pub id: DeskId,
    /// Where.
    pub department_id: DepartmentId,
    /// What stands above it.
    pub name: DeskName,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
}

/// Somebody's place in the queue of a department and day.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// The queue.
    pub department_id: DepartmentId,
    /// The day, in the zone of the counter.
    pub day: NaiveDate,
    /// What stands on it: the letters of the department, and the number of the day.
    pub number: String,
    /// How it stands.
    pub status: TicketStatus,
    /// How urgent.
    pub triage: Triage,
    /// Whose it is, where that is known.
    pub patient_id: Option<PatientId>,
    /// The appointment that was checked in.
    pub appointment_id: Option<AppointmentId>,
    /// When that begins.
    pub appointment_start: Option<DateTime<Utc>>,
    /// The place in the order.
    #[serde(skip)]
    pub place: Place,
    /// The desk that it was called to.
    pub desk_id: Option<DeskId>,
    /// The name of that desk.
    pub desk: Option<String>,
    /// When it was given.
    pub arrived_at: DateTime<Utc>,
    /// When it was last called.
    pub called_at: Option<DateTime<Utc>>,
    /// When it came to its end.
    pub ended_at: Option<DateTime<Utc>>,
    /// Goes up with each change; the `ETag`.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Somebody comes to the counter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// The queue.
    pub department_id: DepartmentId,
    /// The day.
    pub day: NaiveDate,
    /// How urgent.
    pub triage: Triage,
    /// Who, where that is known.
    pub patient_id: Option<PatientId>,
    /// For which appointment, and when it begins.
    pub appointment: Option<(AppointmentId, DateTime<Utc>)>,
}

impl Ticket {
    /// The ticket of somebody who comes as the `nth` of the day.
    pub fn give(id: TicketId, arrival: Arrival, letters: &str, nth: i64, now: DateTime<Utc>) -> Self {
        let (appointment_id, appointment_start) = arrival.appointment.unzip();
        Self {
            id,
            department_id: arrival.department_id,
            day: arrival.day,
            number: number(letters, nth),
            status: TicketStatus::Waiting,
            triage: arrival.triage,
            patient_id: arrival.patient_id,
            appointment_id,
            appointment_start,
            place: Place::of_arrival(arrival.triage, due(appointment_start, now), nth),
            desk_id: None,
            desk: None,
            arrived_at: now,
            called_at: None,
            ended_at: None,
            version: 1,
            updated_at: now,
        }
    }

    /// It moves on. To be called it needs a desk, of its own department; who waits again has none.
    pub fn become_status(
        &self,
        status: TicketStatus,
        desk: Option<&Desk>,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        if !self.status.moves().contains(&status) {
            return Err(Refusal::IllegalTicket(self.status));
        }
        let mut next = Self { status, version: self.version + 1, updated_at: now, ..self.clone() };
        match status {
            TicketStatus::Called => {
                let desk = desk.ok_or_else(|| Refusal::field("desk_id", "a ticket is called to a desk"))?;
                if desk.department_id != self.department_id {
                    return Err(Refusal::field("desk_id", "the desk belongs to another department"));
                }
                next.desk_id = Some(desk.id);
                next.desk = Some(desk.name.to_string());
                next.called_at = Some(now);
            }
            TicketStatus::Waiting => {
                next.desk_id = None;
                next.desk = None;
            }
            TicketStatus::Served | TicketStatus::Left => next.ended_at = Some(now),
            TicketStatus::InService | TicketStatus::Skipped => {}
        }
        Ok(next)
    }

    /// It gets another place in the order; only what waits has one.
    pub fn moved(&self, place: Place, now: DateTime<Utc>) -> Result<Self, Refusal> {
        if self.status != TicketStatus::Waiting {
            return Err(Refusal::IllegalTicket(self.status));
        }
        Ok(Self { place, version: self.version + 1, updated_at: now, ..self.clone() })
    }
}

/// What stands on the `nth` ticket of a day: `A012`.
pub fn number(letters: &str, nth: i64) -> String {
    format!("{letters}{nth:03}")
}

/// The letters of the department that is the `index`th to have a queue: A to Z, then AA, AB and so on.
pub fn letters(index: i64) -> String {
    let mut left = index.max(0);
    let mut letters = Vec::new();
    loop {
        let letter = u8::try_from(left % 26).unwrap_or_default();
        letters.push(char::from(b'A' + letter));
        left = left / 26 - 1;
        if left < 0 {
            break;
        }
    }
    letters.iter().rev().collect()
}
