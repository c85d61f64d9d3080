//! The rules of appointments. Pure: what was loaded and the time come in, a new state or a typed refusal comes out.

mod appointment;
mod booking;
mod change;
mod known;
mod moment;
mod refusal;
mod status;
#[cfg(test)]
mod tests;

pub use appointment::Appointment;
pub use booking::{Booking, Caller, InitialStatus, Request};
pub use change::{Change, Changed};
pub use known::{Known, Owner, Practitioner, Question};
pub use moment::Moment;
pub use refusal::{Reference, Refusal};
pub use status::Status;

use hms_model::Text;

/// Why the patient comes, or why the appointment was called off.
pub type Reason = Text<1, 500>;
/// What else there is to say about it.
pub type Description = Text<1, 2000>;
