//! What messages are about, and the ways they go.

use hms_model::coded_enum;

coded_enum! {
    /// What a message is about.
    pub enum Kind {
        /// An appointment was booked.
        Confirmation = "appointment.confirmation",
        /// An appointment was moved.
        Rescheduled = "appointment.rescheduled",
        /// An appointment was called off.
        Cancelled = "appointment.cancelled",
        /// An appointment is near.
        Reminder = "appointment.reminder",
        /// A time that became free is offered to somebody who waits.
        Offer = "waitlist.offer",
        /// There is an invoice.
        Invoice = "billing.invoice",
    }
}

coded_enum! {
    /// Kinds of messages that a patient wants, or does not want, together.
    pub enum Group {
        /// What happens to appointments.
        Appointment = "appointment",
        /// What reminds of them.
        Reminder = "reminder",
        /// What is offered to those who wait.
        Waitlist = "waitlist",
        /// Invoices.
        Billing = "billing",
    }
}

coded_enum! {
    /// The way a message goes.
    pub enum ChannelKind {
        /// By e-mail.
        Email = "email",
        /// As a text message to a telephone.
        Sms = "sms",
        /// To browsers and devices that have asked for it.
        Push = "push",
        /// Not at all: it is there to be read by whoever signs in.
        InApp = "in_app",
    }
}

coded_enum! {
    /// What has become of a message.
    pub enum Status {
        /// It is to be sent.
        Pending = "pending",
        /// It was handed over.
        Sent = "sent",
        /// It could not be sent, and is not tried any more.
        Failed = "failed",
        /// There was nowhere to send it, or no use in it any more.
        Skipped = "skipped",
    }
}

/// What goes before what, where both are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// It is of no use in an hour; quiet hours do not hold it back.
    Urgent,
    /// Somebody has just done something, and is told of it.
    Normal,
    /// Many at once, and none of them in a hurry.
    Bulk,
}

impl Lane {
    /// From the first to the last.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Normal, Self::Bulk];

    /// As it is kept: the smaller, the earlier.
    pub fn rank(self) -> i64 {
        match self {
            Self::Urgent => 0,
            Self::Normal => 1,
            Self::Bulk => 2,
        }
    }
}

impl Kind {
    /// The kinds that are wanted together with this one.
    pub fn group(self) -> Group {
        match self {
            Self::Confirmation | Self::Rescheduled | Self::Cancelled => Group::Appointment,
            Self::Reminder => Group::Reminder,
            Self::Offer => Group::Waitlist,
            Self::Invoice => Group::Billing,
        }
    }

    /// What it goes before.
    pub fn lane(self) -> Lane {
        match self {
            Self::Offer => Lane::Urgent,
            Self::Confirmation | Self::Rescheduled | Self::Cancelled | Self::Invoice => Lane::Normal,
            Self::Reminder => Lane::Bulk,
        }
    }
}

impl ChannelKind {
    /// Those that a provider carries.
    pub const CARRIED: [Self; 3] = [Self::Email, Self::Sms, Self::Push];
}
