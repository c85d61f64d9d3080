//! Why something cannot be done.

use std::fmt;

use hms_model::id::AppointmentId;

use super::{EntryStatus, Status, TicketStatus};

/// A refusal by the rules, in words for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The end is not after the start.
    #[error("end: must be after start")]
    EndNotAfterStart,
    /// Shorter than a booking can be.
    #[error("end: a booking lasts at least 1 minute")]
    TooShort,
    /// Longer than a booking can be.
    #[error("end: a booking lasts at most 24 hours")]
    TooLong,
    /// It would begin in the past.
    #[error("start: must not lie in the past")]
    InThePast,
    /// What has not ended cannot be recorded.
    #[error("end: must lie in the past to record what took place")]
    NotOverYet,
    /// An identifier stands twice in the request.
    #[error("identifiers: the same one stands there twice")]
    IdentifierTwice,
    /// More identifiers than one appointment can have.
    #[error("identifiers: at most 20")]
    TooManyIdentifiers,
    /// A patient asks for somebody else.
    #[error("A patient books for themselves only.")]
    NotYourself,
    /// Whoever is bound to a department names another one, or none.
    #[error("Access that is bound to a department reaches what is that department's only.")]
    OtherDepartment,
    /// A patient whose account has no patient's record.
    #[error(
        "Your account is not linked to a patient's record yet: register it with POST /patients, then refresh the token."
    )]
    NoRecord,
    /// Recording needs a scope of its own.
    #[error("The token does not allow to record what took place.")]
    MayNotRecord,
    /// There is no such one, as far as is known here.
    #[error("{}: there is no such {}", .0.field(), .0)]
    Unknown(Reference),
    /// It cannot be booked any more.
    #[error("{}: the {} is not active", .0.field(), .0)]
    Inactive(Reference),
    /// The practitioner is not free, or not enough rooms and equipment, or all seats are taken.
    #[error("The practitioner is not free at that time.")]
    SlotTaken,
    /// A field has a value that cannot be.
    #[error("{field}: {reason}")]
    Field {
        /// Which.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// The schedule does not offer the time.
    #[error("{0}")]
    NotOffered(String),
    /// The hold is not there, or no longer.
    #[error("The slot is no longer held: hold it again, or book it without.")]
    HoldExpired,
    /// More holds than one may have at a time.
    #[error("You hold as many slots as you may: book one, or let one go.")]
    TooManyHolds,
    /// Overbooking needs a scope of its own.
    #[error("The token does not allow to book beside what is booked already.")]
    MayNotOverbook,
    /// A patient calls off too late.
    #[error("It is too late to call it off; ask the front desk.")]
    TooLate,
    /// An appointment with one of the identifiers is there: this one, where the caller may know.
    #[error("An appointment with one of these identifiers is there already.")]
    Duplicate(Option<AppointmentId>),
    /// From this status it cannot be done.
    #[error("An appointment that is {0} does not allow this.")]
    Illegal(Status),
    /// From this status a ticket cannot do it.
    #[error("A ticket that is {0} does not allow this.")]
    IllegalTicket(TicketStatus),
    /// From this status a place on the waitlist cannot do it.
    #[error("A place on the waitlist that is {0} does not allow this.")]
    IllegalEntry(EntryStatus),
}

impl Refusal {
    /// A field has a value that cannot be.
    pub fn field(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Field { field, reason: reason.into() }
    }
}

/// Whom or what an appointment names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// For whom.
    Patient,
    /// With whom.
    Practitioner,
    /// Where.
    Department,
    /// What for.
    AppointmentType,
    /// A room or a piece of equipment.
    Resource,
}

impl Reference {
    /// The field of the request that names it.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Patient => "patient_id",
            Self::Practitioner => "practitioner_id",
            Self::Department => "department_id",
            Self::AppointmentType => "appointment_type_id",
            Self::Resource => "resource_ids",
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Patient => "patient",
            Self::Practitioner => "practitioner",
            Self::Department => "department",
            Self::AppointmentType => "appointment type",
            Self::Resource => "resource",
        })
    }
}
