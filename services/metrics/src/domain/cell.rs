//! The smallest part that is counted by itself: a day, a department, a practitioner. Parts of one day lie beside each
//! other and can be laid together without loss, so that every question has its answer in them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use hms_model::id::{DepartmentId, PractitionerId};
use hms_model::money::Currency;
use serde::{Deserialize, Serialize};

use super::facts::{Status, TicketStatus};

/// Where and with whom, as far as a fact says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The department.
    pub department_id: Option<DepartmentId>,
    /// The practitioner.
    pub practitioner_id: Option<PractitionerId>,
}

/// The parts of a day.
pub type Cells = BTreeMap<Place, Cell>;
/// The days that have any.
pub type Days = BTreeMap<NaiveDate, Cells>;

/// A sum that does not fit into 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sum does not fit")]
pub struct Overflow;

impl Overflow {
    /// Adds, where the sum fits.
    pub fn add(sum: &mut i64, more: i64) -> Result<(), Self> {
        *sum = sum.checked_add(more).ok_or(Self)?;
        Ok(())
    }
}

/// What was counted of a part of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cell {
    /// Appointments, by how they stand.
    pub appointments: BTreeMap<Status, i64>,
    /// Those that were called off too late.
    pub late_cancellations: i64,
    /// Minutes of practitioners that were kept for appointments.
    pub booked_minutes: i64,
    /// Who came to the counter, in the order in which they came.
    pub visits: Vec<Visit>,
    /// Patients who were registered.
    pub new_patients: i64,
    /// Money, each currency by itself.
    pub money: BTreeMap<Currency, Takings>,
}

/// Somebody's time at the counter, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Visit {
    /// When they came.
    pub arrived: i64,
    /// When their waiting was over; none: it is not, as far as is known.
    pub until: Option<i64>,
    /// How their ticket stands.
    pub status: TicketStatus,
}

/// Money of one currency, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takings {
    /// What invoices were issued over.
    pub invoiced: i64,
    /// What credit notes took back of it.
    pub credited: i64,
    /// What was paid.
    pub collected: i64,
    /// What was paid back.
    pub refunded: i64,
}

impl Cell {
    /// Lays another part of the same day beside this one.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        for (status, count) in &other.appointments {
            *self.appointments.entry(*status).or_default() += count;
        }
        self.late_cancellations += other.late_cancellations;
        self.booked_minutes += other.booked_minutes;
        self.visits.extend(&other.visits);
        self.new_patients += other.new_patients;
        for (currency, takings) in &other.money {
            self.money.entry(*currency).or_default().add(takings)?;
        }
        Ok(())
    }
}

impl Takings {
    /// Adds what else there is of the same currency.
    pub fn add(&mut self, other: &Self) -> Result<(), Overflow> {
        Overflow::add(&mut self.invoiced, other.invoiced)?;
        Overflow::add(&mut self.credited, other.credited)?;
        Overflow::add(&mut self.collected, other.collected)?;
        Overflow::add(&mut self.refunded, other.refunded)
    }
}
