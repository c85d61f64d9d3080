//! The endpoints, by what they are about.

pub mod notifications;
pub mod preferences;
pub mod push_subscriptions;
pub mod templates;
pub mod webhooks;

use chrono::{DateTime, Utc};
use hms_care::Sight;
use hms_db::Db;
use hms_model::id::PatientId;
use hms_model::role::Requires;
use hms_problem::{Code, Problem};
use hms_service::Call;

use crate::State;

/// Who asks, by the rules of the deployment.
fn sight<R: Requires>(call: &Call<R>, state: &State) -> Result<Sight, Problem> {
    Ok(Sight::new(call.claims()?, call.reach()?, state.access))
}

/// Refuses what is of a patient whom the caller does not see.
fn check(sight: &Sight, db: &mut Db, patient: PatientId, now: DateTime<Utc>) -> Result<(), Problem> {
    if !sight.reach().covers(patient) {
        return Err(Code::NotFound.into());
    }
    sight.check(db, patient, now)
}
