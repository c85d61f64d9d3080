//! `/api/v1/appointment-types`.

pub mod create;
pub mod get;
pub mod list;
pub mod replace;

use hms_problem::Problem;
use hms_service::Work;

use crate::domain::AppointmentTypeDetails;

fn check(_: &mut Work<'_>, details: &AppointmentTypeDetails) -> Result<(), Problem> {
    Ok(details.check()?)
}
