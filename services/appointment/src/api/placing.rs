//! Finding a place in the calendar, in the unit of work that takes it.

use chrono::TimeDelta;
use hms_model::TimeSlot;
use hms_problem::Problem;
use hms_service::Work;
use uuid::Uuid;

use crate::domain::{Ask, Calendar, Known, Placement, Plan, Refusal};
use crate::store;

/// The longest buffer that a schedule or a type can have.
const LONGEST_BUFFER: TimeDelta = TimeDelta::hours(4);

/// Finds a place for what is asked. The practitioner's row is held, and what is `known` was read with it. What these
/// owners take is not in the way.
///
/// Where nothing is asked for but the time of a practitioner without a schedule, what is known already tells: no
/// further statement.
pub fn find(work: &mut Work<'_>, known: &Known, ask: &Ask, except: &[Uuid]) -> Result<Placement, Problem> {
    if known.has_lapsed_hold {
        store::occupancy::drop_lapsed(work.db, &[ask.practitioner_id.uuid()], work.now)?;
    }
    if ask.is_plain() && !known.has_schedule {
        known.free(ask.slot)?;
        return Ok(Placement::default());
    }
    let (plan, calendar) = look(work, ask, ask.slot, except)?;
    Ok(place(&plan, &calendar, ask)?)
}

/// The plan of the practitioner, and the calendar of the window with all that may come into question.
pub fn look(
    work: &mut Work<'_>,
    ask: &Ask,
    window: TimeSlot,
    except: &[Uuid],
) -> Result<(Plan, Calendar), Problem> {
    let plan = store::plan::of(work.db, ask, window)?;
    let wide = TimeSlot::new(window.start() - LONGEST_BUFFER, window.end() + LONGEST_BUFFER);
    let resources = plan.resources.iter().map(|resource| resource.id.uuid());
    let resources: Vec<_> = std::iter::once(ask.practitioner_id.uuid()).chain(resources).collect();
    let (calendar, has_lapsed) =
        store::occupancy::calendar(work.db, &resources, wide.unwrap_or(window), except, work.now)?;
    if has_lapsed {
        store::occupancy::drop_lapsed(work.db, &resources, work.now)?;
    }
    Ok((plan, calendar))
}

/// Finds a place. An appointment that is moved keeps its rooms where it can, and gets others of the same category where
/// its type says what it needs.
pub fn place(plan: &Plan, calendar: &Calendar, ask: &Ask) -> Result<Placement, Refusal> {
    let found = plan.place(calendar, ask);
    let finds_others = plan.kind.as_ref().is_some_and(|kind| !kind.details.needs.is_empty());
    if found.is_ok() || !ask.others_will_do || ask.resource_ids.is_empty() || !finds_others {
        return found;
    }
    plan.place(calendar, &Ask { resource_ids: Vec::new(), ..ask.clone() })
}
