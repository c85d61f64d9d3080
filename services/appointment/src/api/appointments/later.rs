//! Changing an appointment and those of its series that come later.

use hms_model::TimeSlot;
use hms_model::audit::Action;
use hms_model::id::SeriesId;
use hms_problem::Problem;
use hms_service::{Reply, Work};

use super::series::{Occurrence, clash, take};
use super::{audit, save, shown};
use crate::api::placing;
use crate::domain::{Appointment, Ask, Caller, Change, Changed, Refusal, Zone};
use crate::events::{self, Fact};
use crate::store::{self, Held};

/// An appointment of the series, and what it is to become.
struct Step {
    before: Appointment,
    changed: Changed,
}

/// Changes all of them, or none.
pub(super) fn apply(
    work: &mut Work<'_>,
    held: Held,
    caller: Caller,
    change: &Change,
) -> Result<Reply, Problem> {
    let this = &held.appointment;
    let Some(series) = this.series_id else {
        return Err(Refusal::field("following", "the appointment belongs to no series").into());
    };
    let steps = steps(work, this, series, change)?;
    let known = match steps.iter().find_map(|step| step.changed.question()) {
        Some(question) => store::known(work.db, &question, &[])?,
        None => crate::domain::Known::default(),
    };
    if known.has_lapsed_hold {
        store::occupancy::drop_lapsed(work.db, &[this.practitioner_id.uuid()], work.now)?;
    }
    for step in &steps {
        step.changed.allowed(&known)?;
    }
    let mut done = place_all(work, steps, caller)?;
    // Those that are moved ahead make room for those before them, and the other way round.
    if done.iter().any(|(before, next, _)| next.start > before.start) {
        done.reverse();
    }
    let mut answer = shown(this)?;
    for (before, next, fields) in done {
        save(work, &before, &next)?;
        if let Some(fact) = Fact::of_change(&before, &next) {
            events::publish(work, &next, &held.practitioner_name, fact)?;
        }
        audit(work, Action::Update, &next, &fields)?;
        if next.id == this.id {
            answer = shown(&next)?;
        }
    }
    Ok(answer)
}

fn steps(
    work: &mut Work<'_>,
    this: &Appointment,
    series: SeriesId,
    change: &Change,
) -> Result<Vec<Step>, Problem> {
    let mut all = store::following(work.db, series, this.start)?;
    if !all.iter().any(|appointment| appointment.id == this.id) {
        all.insert(0, this.clone());
    }
    let mut steps = Vec::new();
    for before in all {
        let changed = Changed::new(&before, shifted(this, &before, change), work.now)?;
        if !changed.fields().is_empty() {
            steps.push(Step { before, changed });
        }
    }
    Ok(steps)
}

/// The change of another one of the series: its time moves by as much as this one's on the clock of the wall, and it
/// lasts as long.
fn shifted(this: &Appointment, other: &Appointment, change: &Change) -> Change {
    if change.start.is_none() && change.end.is_none() {
        return change.clone();
    }
    let zone = this.zone.unwrap_or(Zone::UTC);
    let start = change.start.unwrap_or(this.start);
    let length = change.end.unwrap_or(this.end) - start;
    let by = zone.local(start) - zone.local(this.start);
    let start = zone.moment(zone.local(other.start) + by);
    Change { start: Some(start), end: Some(start + length), ..change.clone() }
}

type Done = (Appointment, Appointment, String);

fn place_all(work: &mut Work<'_>, steps: Vec<Step>, caller: Caller) -> Result<Vec<Done>, Problem> {
    let asks: Vec<_> = steps.iter().map(|step| step.changed.ask(caller.is_patient())).collect();
    let asked: Vec<&Ask> = asks.iter().flatten().collect();
    let (Some(first), Some(whole)) = (asked.first(), around(&asked)) else {
        return Ok(steps.into_iter().map(|step| step.done(None)).collect());
    };
    let own: Vec<_> = steps.iter().map(|step| step.before.id.uuid()).collect();
    let (plan, mut calendar) = placing::look(work, &with_all(first, &asked), whole, &own)?;
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for (step, ask) in steps.into_iter().zip(asks) {
        let Some(ask) = ask else {
            done.push(step.done(None));
            continue;
        };
        match placing::place(&plan, &calendar, &ask) {
            Ok(found) => {
                take(&mut calendar, &ask, ask.slot, &found, step.before.id.uuid());
                done.push(step.done(Some(found)));
            }
            Err(refusal) => refused.push(Occurrence::refused(ask.slot, refusal)),
        }
    }
    if refused.is_empty() { Ok(done) } else { Err(clash(refused.into_iter())) }
}

/// From the first start to the last end.
fn around(asks: &[&Ask]) -> Option<TimeSlot> {
    let start = asks.iter().map(|ask| ask.slot.start()).min()?;
    let end = asks.iter().map(|ask| ask.slot.end()).max()?;
    TimeSlot::new(start, end).ok()
}

/// One question for all that they name.
fn with_all(first: &Ask, asks: &[&Ask]) -> Ask {
    let mut resource_ids: Vec<_> = asks.iter().flat_map(|ask| ask.resource_ids.iter().copied()).collect();
    resource_ids.sort_unstable();
    resource_ids.dedup();
    Ask { resource_ids, ..first.clone() }
}

impl Step {
    fn done(self, found: Option<crate::domain::Placement>) -> Done {
        let fields = format!("{}, series", self.changed.fields().join(", "));
        (self.before, self.changed.confirm(found), fields)
    }
}
