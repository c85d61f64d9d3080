//! What this service tells others, and what it learns from them.

use std::sync::Arc;

use hms_bus::{ConsumeError, Consumer, Delivery};
use hms_care::{keep_glass, keep_relations};
use hms_model::event::{
    AccessBreakGlass, AppointmentArrived, AppointmentCancelled, AppointmentFacts, AppointmentFulfilled,
    AppointmentNoshow, AppointmentRescheduled, AppointmentScheduled, AppointmentUpdated, CareTeamChanged,
    DepartmentCreated, DepartmentUpdated, HolidayChanged, HolidayFacts, PatientCreated, PatientUpdated,
    PractitionerCreated, PractitionerUpdated, ScheduleChanged,
};
use hms_problem::Problem;
use hms_service::Work;
use tokio::sync::Notify;

use crate::domain::{Appointment, Holiday, Schedule, Status};
use crate::store::directory::{keep_department, keep_patient, keep_practitioner};

/// What has become of an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// It was made, or has another status now.
    Status,
    /// It was made to record what is over.
    Recorded,
    /// It has another time now.
    Moved,
    /// It has another department now, at the same time.
    Elsewhere,
}

impl Fact {
    /// What others must know of a change; nothing where only words are different.
    pub fn of_change(before: &Appointment, next: &Appointment) -> Option<Self> {
        if (before.start, before.end) != (next.start, next.end) {
            return Some(Self::Moved);
        }
        (before.department_id != next.department_id).then_some(Self::Elsewhere)
    }
}

/// Tells it in the unit of work: the event follows from the status that the appointment has now, unless it has another time or place.
pub fn publish(
    work: &mut Work<'_>,
    appointment: &Appointment,
    practitioner: &str,
    fact: Fact,
) -> Result<(), Problem> {
    let facts = facts(appointment, practitioner, fact == Fact::Recorded);
    match fact {
        Fact::Moved => return work.publish(&AppointmentRescheduled(facts)),
        Fact::Elsewhere => return work.publish(&AppointmentUpdated(facts)),
        Fact::Status | Fact::Recorded => {}
    }
    match appointment.status {
        Status::Proposed | Status::Pending | Status::Booked | Status::Waitlist => {
            work.publish(&AppointmentScheduled(facts))
        }
        Status::Arrived => work.publish(&AppointmentArrived(facts)),
        Status::Fulfilled => work.publish(&AppointmentFulfilled(facts)),
        Status::Cancelled => work.publish(&AppointmentCancelled(facts)),
        Status::Noshow => work.publish(&AppointmentNoshow(facts)),
    }
}

fn facts(appointment: &Appointment, practitioner: &str, recorded: bool) -> AppointmentFacts {
    AppointmentFacts {
        appointment_id: appointment.id,
        version: appointment.version,
        patient_id: appointment.patient_id,
        practitioner_id: appointment.practitioner_id,
        practitioner_name: practitioner.to_owned(),
        department_id: appointment.department_id,
        start: appointment.start,
        end: appointment.end,
        status: appointment.status.to_string(),
        reason: appointment.cancellation_reason.as_ref().map(ToString::to_string),
        recorded,
        appointment_type_id: appointment.appointment_type_id,
        zone: appointment.zone.map(String::from),
        series_id: appointment.series_id,
        late_cancellation: appointment.late_cancellation,
    }
}

/// Tells for how long a schedule is open.
pub fn publish_schedule(work: &mut Work<'_>, schedule: &Schedule) -> Result<(), Problem> {
    work.publish(&ScheduleChanged(schedule.facts()))
}

/// Tells of a holiday that was made, or taken away.
pub fn publish_holiday(work: &mut Work<'_>, holiday: &Holiday, active: bool) -> Result<(), Problem> {
    work.publish(&HolidayChanged(HolidayFacts {
        holiday_id: holiday.id,
        version: if active { 1 } else { 2 },
        department_id: holiday.details.department_id,
        day: holiday.details.date,
        active,
    }))
}

/// Keeps the copies of patients, practitioners and departments up to date, and who is in whose care. Its own events tell
/// one of the replicas that a time may have become free.
pub fn consumer(offering: &Arc<Notify>) -> Consumer {
    let waking = || {
        let offering = Arc::clone(offering);
        move |delivery: &mut Delivery<'_>| -> Result<(), ConsumeError> {
            delivery.wake_after_commit(&offering);
            Ok(())
        }
    };
    let (cancelled, rescheduled) = (waking(), waking());
    Consumer::new("appointment")
        .on::<AppointmentCancelled>(move |delivery, _| cancelled(delivery))
        .on::<AppointmentRescheduled>(move |delivery, _| rescheduled(delivery))
        .on::<PatientCreated>(|delivery, event| Ok(keep_patient(delivery.db, &event.0)?))
        .on::<PatientUpdated>(|delivery, event| Ok(keep_patient(delivery.db, &event.0)?))
        .on::<PractitionerCreated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on::<PractitionerUpdated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on::<DepartmentCreated>(|delivery, event| Ok(keep_department(delivery.db, &event.0)?))
        .on::<DepartmentUpdated>(|delivery, event| Ok(keep_department(delivery.db, &event.0)?))
        .on_many::<CareTeamChanged>(|deliveries, changed| {
            keep_relations(deliveries.db, changed.into_iter().map(|event| event.0))?;
            Ok(())
        })
        .on::<AccessBreakGlass>(|delivery, event| Ok(keep_glass(delivery.db, &event.0)?))
}
