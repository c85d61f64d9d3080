//! `/api/v1/schedules`.

pub mod create;
pub mod get;
pub mod list;
pub mod replace;

use hms_model::role::Reach;
use hms_problem::Problem;
use hms_service::Work;

use super::here;
use crate::domain::{Reference, Refusal, ScheduleDetails};
use crate::store;

/// All that it names is known; the practitioner's row is held, so that no booking is decided upon while it is written.
fn check(work: &mut Work<'_>, details: &ScheduleDetails, reach: Reach) -> Result<(), Problem> {
    here(reach, details.department_id)?;
    details.check()?;
    if !store::schedules::knows_practitioner(work.db, details.practitioner_id)? {
        return Err(Refusal::Unknown(Reference::Practitioner).into());
    }
    if !store::schedules::knows_department(work.db, details.department_id)? {
        return Err(Refusal::Unknown(Reference::Department).into());
    }
    let mut types = details.appointment_type_ids.clone();
    types.sort_unstable();
    types.dedup();
    let known = usize::try_from(store::types::count(work.db, &types)?).unwrap_or(usize::MAX);
    if known < types.len() {
        return Err(Refusal::field("appointment_type_ids", "not all of them are known").into());
    }
    Ok(())
}
