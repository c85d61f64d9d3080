//! `/api/v1/waitlist`.

pub mod accept;
pub mod create;
pub mod decline;
pub mod get;
pub mod list;
pub mod withdraw;

use hms_care::Sight;
use hms_model::id::WaitlistEntryId;
use hms_problem::{Code, Problem};
use hms_service::{Reply, Work};

use crate::domain::Entry;
use crate::store::waitlist;

/// A place on the waitlist that nobody else can change until the unit of work ends; another patient's is not there.
/// `If-Match` is checked.
fn hold(work: &mut Work<'_>, id: WaitlistEntryId, sight: &Sight) -> Result<Entry, Problem> {
    let entry = waitlist::hold(work.db, id)?;
    if !sight.reach().covers_in(entry.patient_id, entry.department_id) {
        return Err(Code::NotFound.into());
    }
    sight.check(work.db, entry.patient_id, work.now)?;
    work.check_version(entry.version)?;
    Ok(entry)
}

fn shown(entry: &Entry) -> Result<Reply, Problem> {
    Ok(Reply::ok(entry)?.version(entry.version))
}
