//! The rules of appointments. Pure: what was loaded and the time come in, a new state or a typed refusal comes out.

mod appointment;
mod appointment_type;
mod booking;
mod calendar;
mod change;
mod hold;
mod hours;
mod known;
mod moment;
mod open;
mod placement;
pub mod queue;
mod refusal;
mod resource;
mod schedule;
mod series;
#[cfg(test)]
mod slot_tests;
mod status;
#[cfg(test)]
mod tests;
pub mod waitlist;

pub use appointment::Appointment;
pub use appointment_type::{AppointmentType, AppointmentTypeDetails, LateCancel, Need};
pub use booking::{Booking, Caller, InitialStatus, Request};
pub use calendar::{Busy, Calendar};
pub use change::{Change, Changed};
pub use hms_model::Zone;
pub use hold::{Hold, USUAL_HOLD};
pub use hours::Hours;
pub use known::{Known, Owner, Practitioner, Question};
pub use moment::Moment;
pub use placement::{Ask, Place, Placement, Plan};
pub use queue::{Desk, DeskName, Ticket, TicketStatus, Triage};
pub use refusal::{Reference, Refusal};
pub use resource::{Holiday, HolidayDetails, Resource, ResourceDetails, ResourceKind};
pub use schedule::{Schedule, ScheduleDetails};
pub use series::Rule;
pub use status::Status;
pub use waitlist::{Entry, EntryStatus, Offer, OfferStatus, Opening, Priority};

use hms_model::Text;

/// Why the patient comes, or why the appointment was called off.
pub type Reason = Text<1, 500>;
/// What else there is to say about it.
pub type Description = Text<1, 2000>;
