//! What was known before other services kept a copy of it is told to them once, beside the requests.

use hms_model::event::{CareTeamChanged, PractitionerUpdated};
use hms_problem::Problem;
use hms_service::{Context, Stop, Work};

use crate::events::practitioner_facts;
use crate::store::untold;

/// Events of one transaction, so that neither others nor the outbox wait for it for long.
const AT_ONCE: i64 = 200;

/// Goes on until nothing is left or the service stops; the next start goes on where it was. Whoever knows it already
/// drops it, since it is no newer.
pub async fn run(context: Context, stop: Stop) {
    let mut all = 0;
    while !stop.is_told() {
        match context.write(some).await {
            Ok(Some(events)) => all += events,
            Ok(None) => break,
            // The failure was logged where it happened.
            Err(_) => return,
        }
    }
    if all > 0 {
        tracing::info!(events = all, "others were told who is in whose care");
    }
}

/// Tells of some; none when all is told. Who the practitioners are comes first: without it their care means nothing.
fn some(work: &mut Work<'_>) -> Result<Option<usize>, Problem> {
    if let Some(practitioners) = untold::practitioners(work.db, AT_ONCE)? {
        for practitioner in &practitioners {
            work.publish(&PractitionerUpdated(practitioner_facts(practitioner)))?;
        }
        return Ok(Some(practitioners.len()));
    }
    let Some(care) = untold::care(work.db, AT_ONCE)? else { return Ok(None) };
    let told = care.len();
    for facts in care {
        work.publish(&CareTeamChanged(facts))?;
    }
    Ok(Some(told))
}
