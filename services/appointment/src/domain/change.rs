//! Changing an appointment: another time, another place, other words.

use chrono::{DateTime, Utc};
use hms_model::TimeSlot;
use hms_model::id::DepartmentId;

use super::booking::{length, not_past};
use super::{Appointment, Ask, Description, Known, Placement, Question, Reason, Refusal};

/// What shall be different; what is `None` stays. Of what may be absent, `Some(None)` takes it away.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// From.
    pub start: Option<DateTime<Utc>>,
    /// Up to, not including.
    pub end: Option<DateTime<Utc>>,
    /// Where.
    pub department_id: Option<Option<DepartmentId>>,
    /// Why the patient comes.
    pub reason: Option<Option<Reason>>,
    /// What else there is to say about it.
    pub description: Option<Option<Description>>,
}

/// An appointment as it would be after a change that keeps all rules which can be checked without looking anything
/// up.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    after: Appointment,
    slot: TimeSlot,
    now: DateTime<Utc>,
    fields: Vec<&'static str>,
}

impl Changed {
    /// Applies a change.
    pub fn new(before: &Appointment, change: Change, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let mut after = before.clone();
        let mut fields = Vec::new();
        let mut put = Put { fields: &mut fields };
        put.value("start", &mut after.start, change.start);
        put.value("end", &mut after.end, change.end);
        put.value("department_id", &mut after.department_id, change.department_id);
        put.value("reason", &mut after.reason, change.reason);
        put.value("description", &mut after.description, change.description);
        let slot = TimeSlot::new(after.start, after.end).map_err(|_| Refusal::EndNotAfterStart)?;
        let changed = Self { after, slot, now, fields };
        changed.keeps_the_rules(before, now)?;
        Ok(changed.stamped(now))
    }

    fn keeps_the_rules(&self, before: &Appointment, now: DateTime<Utc>) -> Result<(), Refusal> {
        if before.status.is_over() || (self.is_moved() && !before.status.can_be_moved()) {
            return Err(Refusal::Illegal(before.status));
        }
        if self.is_moved() {
            length(self.slot)?;
        }
        if self.has("start") {
            not_past(self.slot, now)?;
        }
        Ok(())
    }

    fn stamped(mut self, now: DateTime<Utc>) -> Self {
        if !self.fields.is_empty() {
            self.after.version += 1;
            self.after.updated_at = now;
        }
        self
    }

    /// Whether its time is another one.
    pub fn is_moved(&self) -> bool {
        self.has("start") || self.has("end")
    }

    /// What must be known to confirm it; nothing when only words are different.
    pub fn question(&self) -> Option<Question> {
        let Appointment { id, patient_id, practitioner_id, department_id, end, .. } = self.after;
        let now = self.now;
        let question = Question { id, patient_id, practitioner_id, department_id, end, now };
        (self.is_moved() || self.has("department_id")).then_some(question)
    }

    /// The names of the fields that are different.
    pub fn fields(&self) -> &[&'static str] {
        &self.fields
    }

    /// The place that is asked for: another time is asked for as by a new booking. Nothing when it stays, or takes
    /// nobody's time.
    pub fn ask(&self, bound: bool) -> Option<Ask> {
        let takes_time = self.after.status.blocks();
        ((self.is_moved() || self.has("department_id")) && takes_time).then(|| Ask {
            practitioner_id: self.after.practitioner_id,
            department_id: self.after.department_id,
            appointment_type_id: self.after.appointment_type_id,
            slot: self.slot,
            resource_ids: self.after.resource_ids.clone(),
            others_will_do: true,
            bound,
            overbook: self.after.overbook_reason.clone(),
            now: self.now,
        })
    }

    /// Whether those who are named are there and in use.
    pub fn allowed(&self, known: &Known) -> Result<(), Refusal> {
        if self.question().is_some() {
            known.exist(self.after.department_id.is_some())?;
            known.department_is_active()?;
        }
        if self.is_moved() { known.people_are_active() } else { Ok(()) }
    }

    /// The appointment as it is now, in the place that was found for it where one was asked for.
    pub fn confirm(self, found: Option<Placement>) -> Appointment {
        match found {
            Some(found) => self.after.placed(found),
            None => self.after,
        }
    }

    fn has(&self, field: &str) -> bool {
        self.fields.contains(&field)
    }
}

/// Puts new values in place and keeps the names of those that differ.
struct Put<'a> {
    fields: &'a mut Vec<&'static str>,
}

impl Put<'_> {
    fn value<T: PartialEq>(&mut self, name: &'static str, place: &mut T, new: Option<T>) {
        if let Some(new) = new.filter(|new| new != place) {
            *place = new;
            self.fields.push(name);
        }
    }
}
