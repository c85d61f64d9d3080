//! `/api/v1/resources`.

pub mod create;
pub mod get;
pub mod list;
pub mod replace;

use hms_model::role::Reach;
use hms_problem::Problem;
use hms_service::Work;

use super::here;
use crate::domain::{Reference, Refusal, ResourceDetails};
use crate::store;

fn check(work: &mut Work<'_>, details: &ResourceDetails, reach: Reach) -> Result<(), Problem> {
    here(reach, details.department_id)?;
    if store::schedules::knows_department(work.db, details.department_id)? {
        Ok(())
    } else {
        Err(Refusal::Unknown(Reference::Department).into())
    }
}
