//! The times that are booked: quarters of an hour of working days to come, drawn by chance.

use std::collections::HashSet;

use chrono::{DateTime, Days, SecondsFormat, TimeDelta, Utc};
use fastrand::Rng;
use hms_model::Clock;
use serde_json::{Value, json};

const DAYS: u64 = 150;
const QUARTERS_A_DAY: i64 = 40;

/// Draws slots. No patient gets the same slot with the same practitioner twice: by these three a message is told from
/// the others. Two patients may.
#[derive(Default)]
pub struct Slots(HashSet<(String, String, DateTime<Utc>)>);

impl Slots {
    /// The body of a booking.
    pub fn draw(&mut self, rng: &mut Rng, patient: &str, practitioner: &str, reason: &str) -> Value {
        loop {
            let start = some_quarter(rng);
            if self.0.insert((patient.to_owned(), practitioner.to_owned(), start)) {
                return json!({
                    "patient_id": patient,
                    "practitioner_id": practitioner,
                    "start": rfc3339(start),
                    "end": rfc3339(start + TimeDelta::minutes(15)),
                    "reason": reason,
                });
            }
        }
    }
}

fn some_quarter(rng: &mut Rng) -> DateTime<Utc> {
    let today = Clock::system().now().date_naive().and_hms_opt(8, 0, 0).unwrap().and_utc();
    today + Days::new(rng.u64(2..DAYS)) + TimeDelta::minutes(15 * rng.i64(0..QUARTERS_A_DAY))
}

fn rfc3339(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
