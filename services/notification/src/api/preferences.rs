//! Which messages a patient wants, as clients see and say it.

pub mod get;
pub mod put;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use hms_care::Sight;
use hms_db::Db;
use hms_model::id::PatientId;
use hms_model::role::Reach;
use hms_problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api;
use crate::domain::{ChannelKind, Group, QuietHours, Wishes, in_full};
use crate::house::House;
use crate::store::patients;

/// The name of what a patient wants as a resource.
pub const PREFERENCES: &str = "notification_preferences";

/// Which messages a patient wants.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotificationPreferences {
    /// The patient.
    patient_id: PatientId,
    /// Counts the changes; 0 where nothing was ever said.
    version: i64,
    /// What was said of each group of messages.
    channels: GroupChannels,
    /// The ways that messages of each group go: what was said, and else what the organisation does.
    in_effect: GroupChannels,
    /// When not to disturb; only what is urgent comes through.
    quiet_hours: Option<QuietHours>,
}

/// The ways that messages go, by what they are about: an empty list for none of them, null (or left out) for those of the
/// organisation.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupChannels {
    /// What happens to appointments.
    #[serde(default)]
    #[schema(examples(json!(["email", "in_app"])))]
    appointment: Option<BTreeSet<ChannelKind>>,
    /// What reminds of them.
    #[serde(default)]
    reminder: Option<BTreeSet<ChannelKind>>,
    /// What is offered to those who wait.
    #[serde(default)]
    waitlist: Option<BTreeSet<ChannelKind>>,
    /// Invoices.
    #[serde(default)]
    billing: Option<BTreeSet<ChannelKind>>,
}

impl NotificationPreferences {
    fn new(wishes: Wishes, house: &House) -> Self {
        let in_effect = in_full(&wishes, &house.ways);
        Self {
            patient_id: wishes.patient_id,
            version: wishes.version,
            channels: wishes.channels.into(),
            in_effect: in_effect.into(),
            quiet_hours: wishes.quiet,
        }
    }
}

impl From<BTreeMap<Group, BTreeSet<ChannelKind>>> for GroupChannels {
    fn from(mut said: BTreeMap<Group, BTreeSet<ChannelKind>>) -> Self {
        Self {
            appointment: said.remove(&Group::Appointment),
            reminder: said.remove(&Group::Reminder),
            waitlist: said.remove(&Group::Waitlist),
            billing: said.remove(&Group::Billing),
        }
    }
}

impl From<GroupChannels> for BTreeMap<Group, BTreeSet<ChannelKind>> {
    fn from(said: GroupChannels) -> Self {
        let GroupChannels { appointment, reminder, waitlist, billing } = said;
        let each = [
            (Group::Appointment, appointment),
            (Group::Reminder, reminder),
            (Group::Waitlist, waitlist),
            (Group::Billing, billing),
        ];
        each.into_iter().filter_map(|(group, ways)| Some((group, ways?))).collect()
    }
}

/// Others' records are not told from those that do not exist. One's own may not have been heard of yet.
fn check(sight: &Sight, db: &mut Db, patient: PatientId, now: DateTime<Utc>) -> Result<(), Problem> {
    let is_own = matches!(sight.reach(), Reach::Own { .. });
    if !is_own && patients::find(db, patient)?.is_none() {
        return Err(Code::NotFound.into());
    }
    api::check(sight, db, patient, now)
}
