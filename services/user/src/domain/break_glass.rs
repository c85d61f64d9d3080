//! Reaching a record that is not one's to see, with a reason.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::Text;
use hms_model::id::{AccountId, BreakGlassId, PatientId};
use hms_model::role::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Refusal;

/// Why it must be, in words that somebody else can judge.
pub type Reason = Text<10, 500>;

/// What whoever breaks the glass says.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// Why it must be.
    #[schema(value_type = String, min_length = 10, max_length = 500, examples("Unconscious in the emergency room"))]
    pub reason: Reason,
}

/// One time that somebody broke the glass.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BreakGlass {
    /// The id.
    pub id: BreakGlassId,
    /// Who did it.
    pub account_id: AccountId,
    /// Whose record it opened.
    pub patient_id: PatientId,
    /// Why.
    #[schema(value_type = String)]
    pub reason: Reason,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when the record can be seen.
    pub until: DateTime<Utc>,
}

/// Those who treat may break the glass, each in person: no program does it for them.
pub fn may_break_glass(roles: &[Role], by_program: bool) -> Result<(), Refusal> {
    let clinical = roles.iter().any(|role| role.is_clinical());
    if clinical && !by_program { Ok(()) } else { Err(Refusal::NoEmergency) }
}

impl BreakGlass {
    /// Opens a record from now on for as long as the settings say.
    pub fn open(
        id: BreakGlassId,
        (account_id, patient_id): (AccountId, PatientId),
        emergency: Emergency,
        now: DateTime<Utc>,
        lifetime: TimeDelta,
    ) -> Self {
        Self { id, account_id, patient_id, reason: emergency.reason, created_at: now, until: now + lifetime }
    }
}

#[cfg(test)]
mod tests {
    use hms_model::Coded;

    use super::*;

    #[test]
    fn who_treats_may_in_person() {
        let clinical = [Role::Doctor, Role::Nurse, Role::Pharmacist, Role::LabTechnician];
        for role in Role::ALL {
            assert_eq!(may_break_glass(&[*role], false).is_ok(), clinical.contains(role), "{role}");
            assert_eq!(may_break_glass(&[*role], true), Err(Refusal::NoEmergency), "{role}");
        }
        assert!(may_break_glass(&[Role::Admin, Role::Nurse], false).is_ok());
    }
}
