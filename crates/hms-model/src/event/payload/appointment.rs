//! What appointment tells: appointments, the waitlist, the queue at the counter, and when places are open.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::Event;
use crate::id::{
    AppointmentId, AppointmentTypeId, DepartmentId, HolidayId, OfferId, PatientId, PractitionerId,
    ScheduleId, SeriesId, TicketId, WaitlistEntryId,
};

/// What every event of an appointment tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AppointmentFacts {
    /// The appointment.
    pub appointment_id: AppointmentId,
    /// Its version after the fact.
    pub version: i64,
    /// For whom.
    pub patient_id: PatientId,
    /// With whom.
    pub practitioner_id: PractitionerId,
    /// The name of the practitioner, for messages.
    pub practitioner_name: String,
    /// Where.
    pub department_id: Option<DepartmentId>,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
    /// The status after the fact (FHIR Appointment.status).
    pub status: String,
    /// Why it was moved or cancelled.
    pub reason: Option<String>,
    /// Whether it records what took place elsewhere or before: no message is due.
    #[serde(default)]
    pub recorded: bool,
    /// What it is for.
    #[serde(default)]
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// The IANA zone of the place, in which its times are shown to people; none where no schedule says.
    #[serde(default)]
    pub zone: Option<String>,
    /// The series that it belongs to.
    #[serde(default)]
    pub series_id: Option<SeriesId>,
    /// Whether it was called off later than its type allows for.
    #[serde(default)]
    pub late_cancellation: bool,
}

macro_rules! appointment_events {
    ($($(#[$doc:meta])* $name:ident = $kind:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub AppointmentFacts);
        facts_event!($name = $kind by "appointment", appointment_id);
    )+};
}

appointment_events! {
    /// An appointment was booked.
    AppointmentScheduled = "appointment.scheduled",
    /// It was moved.
    AppointmentRescheduled = "appointment.rescheduled",
    /// It was called off.
    AppointmentCancelled = "appointment.cancelled",
    /// The patient is there.
    AppointmentArrived = "appointment.arrived",
    /// It took place.
    AppointmentFulfilled = "appointment.fulfilled",
    /// The patient did not come.
    AppointmentNoshow = "appointment.noshow",
    /// It is at another place now, at the same time.
    AppointmentUpdated = "appointment.updated",
}

/// What is told when a time that became free is offered to somebody who waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OfferFacts {
    /// Whose turn it is on the waitlist.
    pub entry_id: WaitlistEntryId,
    /// The version of that entry after the fact.
    pub version: i64,
    /// The offer.
    pub offer_id: OfferId,
    /// To whom.
    pub patient_id: PatientId,
    /// With whom.
    pub practitioner_id: PractitionerId,
    /// The name of the practitioner, for messages.
    pub practitioner_name: String,
    /// Where.
    pub department_id: Option<DepartmentId>,
    /// What for.
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
    /// The IANA zone of the place.
    pub zone: Option<String>,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
}

/// A time that became free is offered to somebody who waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct WaitlistOffered(pub OfferFacts);
facts_event!(WaitlistOffered = "waitlist.offered" by "appointment", entry_id);

/// What is told of a ticket of the queue at the counter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TicketFacts {
    /// The ticket.
    pub ticket_id: TicketId,
    /// Its version after the fact.
    pub version: i64,
    /// The queue.
    pub department_id: DepartmentId,
    /// The day, in the zone of the counter.
    pub day: NaiveDate,
    /// What stands on the ticket.
    pub number: String,
    /// The status after the fact.
    pub status: String,
    /// The desk that it was called to.
    pub desk: Option<String>,
    /// Whose it is, where that is known.
    pub patient_id: Option<PatientId>,
    /// The appointment that it is for.
    pub appointment_id: Option<AppointmentId>,
    /// When it was given.
    #[serde(default)]
    pub arrived_at: Option<DateTime<Utc>>,
    /// When it was last called to a desk.
    #[serde(default)]
    pub called_at: Option<DateTime<Utc>>,
    /// When it came to its end: served, or its owner has gone.
    #[serde(default)]
    pub ended_at: Option<DateTime<Utc>>,
    /// When it came to be as it is told of.
    #[serde(default)]
    pub changed_at: Option<DateTime<Utc>>,
}

/// A ticket of the queue was given or has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct QueueChanged(pub TicketFacts);
facts_event!(QueueChanged = "queue.changed" by "appointment", ticket_id);

/// How long a place is open on a day that is not as the week says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenDay {
    /// The day, in the zone of the schedule.
    pub day: NaiveDate,
    /// How many minutes it is open.
    pub minutes: i64,
    /// How many when the day is a holiday of the place as well.
    pub holiday_minutes: i64,
}

/// What is told of a schedule: for how long it is open, not when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleFacts {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// Its version after the fact.
    pub version: i64,
    /// Whose time it is.
    pub practitioner_id: PractitionerId,
    /// Where.
    pub department_id: DepartmentId,
    /// Whether it is in use.
    pub active: bool,
    /// The IANA zone of the place.
    pub zone: String,
    /// The first day.
    pub valid_from: NaiveDate,
    /// The last day; none: until it is changed.
    pub valid_to: Option<NaiveDate>,
    /// How many minutes it is open on each day of the week, Monday first.
    pub week_minutes: [i64; 7],
    /// The days that are different.
    pub exceptions: Vec<OpenDay>,
}

/// A schedule was made or has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ScheduleChanged(pub ScheduleFacts);
facts_event!(ScheduleChanged = "schedule.changed" by "appointment", schedule_id);

/// What is told of a day on which a place is closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HolidayFacts {
    /// The holiday.
    pub holiday_id: HolidayId,
    /// 1 when it was made, 2 when it was taken away.
    pub version: i64,
    /// The place; none: all of them.
    pub department_id: Option<DepartmentId>,
    /// The day.
    pub day: NaiveDate,
    /// Whether it is a holiday still.
    pub active: bool,
}

/// A holiday was made or taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct HolidayChanged(pub HolidayFacts);
facts_event!(HolidayChanged = "holiday.changed" by "appointment", holiday_id);
