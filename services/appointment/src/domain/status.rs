//! The states of an appointment and the moves between them.

use hms_model::coded_enum;

coded_enum! {
    /// FHIR Appointment.status (<https://hl7.org/fhir/R4/valueset-appointmentstatus.html>), as far as we use it.
    pub enum Status {
        /// Offered, and nobody has agreed yet.
        Proposed = "proposed",
        /// Asked for: the time is held until it is confirmed.
        Pending = "pending",
        /// Confirmed.
        Booked = "booked",
        /// The patient is there.
        Arrived = "arrived",
        /// It took place.
        Fulfilled = "fulfilled",
        /// It was called off.
        Cancelled = "cancelled",
        /// The patient did not come.
        Noshow = "noshow",
        /// It waits for a time to become free.
        Waitlist = "waitlist",
    }
}

impl Status {
    /// Where it may go from here: the whole of the state machine.
    pub const fn moves(self) -> &'static [Status] {
        match self {
            Self::Proposed => &[Self::Pending, Self::Booked, Self::Cancelled, Self::Waitlist],
            Self::Waitlist => &[Self::Proposed, Self::Pending, Self::Booked, Self::Cancelled],
            Self::Pending => &[Self::Booked, Self::Cancelled, Self::Waitlist],
            Self::Booked => &[Self::Arrived, Self::Fulfilled, Self::Cancelled, Self::Noshow],
            Self::Arrived => &[Self::Fulfilled, Self::Cancelled],
            Self::Fulfilled | Self::Cancelled | Self::Noshow => &[],
        }
    }

    /// Whether it takes the practitioner's time. The database has the same list (`appointments.blocking`).
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Pending | Self::Booked | Self::Arrived)
    }

    /// Whether nothing can become of it any more.
    pub const fn is_over(self) -> bool {
        self.moves().is_empty()
    }

    /// Whether another time may be found for it.
    pub const fn can_be_moved(self) -> bool {
        matches!(self, Self::Proposed | Self::Pending | Self::Booked | Self::Waitlist)
    }
}
