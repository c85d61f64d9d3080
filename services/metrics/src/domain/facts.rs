//! What is kept of each thing that is counted, and which days it counts for.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use hms_model::money::Money;
use hms_model::{Zone, coded_enum};

use super::{Cell, Days, Overflow, Place, Visit};

coded_enum! {
    /// How an appointment stands (FHIR Appointment.status).
    pub enum Status {
        /// Offered.
        Proposed = "proposed",
        /// Asked for.
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

coded_enum! {
    /// How a ticket of the queue stands.
    pub enum TicketStatus {
        /// It waits for its turn.
        Waiting = "waiting",
        /// It is called to a desk.
        Called = "called",
        /// Its owner is at the desk.
        InService = "in_service",
        /// It is done.
        Served = "served",
        /// Nobody came when it was called.
        Skipped = "skipped",
        /// Its owner has gone.
        Left = "left",
    }
}

coded_enum! {
    /// Which way money went.
    pub enum PaymentKind {
        /// It was taken.
        Captured = "captured",
        /// It was given back.
        Refunded = "refunded",
    }
}

/// An appointment; it counts for the day on which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appointment {
    /// Where and with whom.
    pub place: Place,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
    /// How it stands.
    pub status: Status,
    /// Whether it records what took place elsewhere or before, and so takes nobody's time.
    pub recorded: bool,
    /// Whether it was called off later than its type allows for.
    pub late_cancellation: bool,
}

/// A ticket of the queue; it counts for the day that stands on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Where.
    pub place: Place,
    /// The day.
    pub day: NaiveDate,
    /// How it stands.
    pub status: TicketStatus,
    /// When it was given.
    pub arrived_at: DateTime<Utc>,
    /// When it was last called.
    pub called_at: Option<DateTime<Utc>>,
    /// When it came to be as it is.
    pub changed_at: DateTime<Utc>,
}

/// An invoice or a credit note; it counts for the day on which it was issued, and for none once it is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// Whose revenue it is.
    pub place: Place,
    /// The day.
    pub day: NaiveDate,
    /// Whether it takes back a part of an invoice.
    pub is_credit: bool,
    /// Whether it was called void.
    pub is_void: bool,
    /// All of it.
    pub total: Money,
}

/// Money that was taken or given back; it counts for the day of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// Whose revenue it was meant for.
    pub place: Place,
    /// The day.
    pub day: NaiveDate,
    /// Taken, or given back.
    pub kind: PaymentKind,
    /// How much.
    pub amount: Money,
}

/// A patient; new on the day on which they were registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patient {
    /// When that was.
    pub registered_at: DateTime<Utc>,
}

/// What is known of some days.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Appointments.
    pub appointments: Vec<Appointment>,
    /// Tickets.
    pub tickets: Vec<Ticket>,
    /// Invoices and credit notes.
    pub bills: Vec<Bill>,
    /// Payments and refunds.
    pub payments: Vec<Payment>,
    /// Patients.
    pub patients: Vec<Patient>,
}

impl Facts {
    /// The days that they count for, as clocks show them in a zone.
    pub fn days(&self, zone: Zone) -> Result<Days, Overflow> {
        let mut days = Days::default();
        for appointment in &self.appointments {
            appointment.count(cell(&mut days, zone.day(appointment.start), appointment.place));
        }
        for ticket in &self.tickets {
            cell(&mut days, ticket.day, ticket.place).visits.push(ticket.visit());
        }
        for bill in self.bills.iter().filter(|bill| !bill.is_void) {
            let takings = cell(&mut days, bill.day, bill.place).money.entry(bill.total.currency).or_default();
            let sum = if bill.is_credit { &mut takings.credited } else { &mut takings.invoiced };
            Overflow::add(sum, bill.total.amount)?;
        }
        for payment in &self.payments {
            let Payment { place, day, amount, .. } = *payment;
            let takings = cell(&mut days, day, place).money.entry(amount.currency).or_default();
            let sum = match payment.kind {
                PaymentKind::Captured => &mut takings.collected,
                PaymentKind::Refunded => &mut takings.refunded,
            };
            Overflow::add(sum, amount.amount)?;
        }
        for patient in &self.patients {
            cell(&mut days, zone.day(patient.registered_at), Place::default()).new_patients += 1;
        }
        for cell in days.values_mut().flat_map(|cells| cells.values_mut()) {
            cell.visits.sort_unstable();
        }
        Ok(days)
    }
}

fn cell(days: &mut Days, day: NaiveDate, place: Place) -> &mut Cell {
    days.entry(day).or_default().entry(place).or_default()
}

impl Appointment {
    fn count(&self, cell: &mut Cell) {
        *cell.appointments.entry(self.status).or_default() += 1;
        cell.late_cancellations += i64::from(self.late_cancellation);
        if self.takes_time() {
            cell.booked_minutes += (self.end - self.start).max(TimeDelta::zero()).num_minutes();
        }
    }

    /// Whether the practitioner's time was kept for it; also where the patient did not come.
    fn takes_time(&self) -> bool {
        let kept = matches!(
            self.status,
            Status::Pending | Status::Booked | Status::Arrived | Status::Fulfilled | Status::Noshow
        );
        kept && !self.recorded
    }
}

impl Ticket {
    /// A ticket waits from when it was given to when it was last called; one that was never called, to when its owner
    /// has gone or was passed over.
    fn visit(&self) -> Visit {
        let until = match self.status {
            TicketStatus::Waiting => None,
            TicketStatus::Called | TicketStatus::InService | TicketStatus::Served => {
                Some(self.called_at.unwrap_or(self.changed_at))
            }
            TicketStatus::Left | TicketStatus::Skipped => Some(self.changed_at),
        };
        Visit {
            arrived: self.arrived_at.timestamp(),
            until: until.map(|until| until.max(self.arrived_at).timestamp()),
            status: self.status,
        }
    }
}
