//! Who pays for patients, and how much.

use chrono::{DateTime, NaiveDate, Utc};
use hms_model::id::{CoverageId, PatientId, PayerId};
use hms_model::money::{Money, MoneyError, Rate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Description, Reference};

/// An insurance, or whoever else pays for patients.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Payer {
    /// Its id.
    pub id: PayerId,
    /// Its name.
    pub name: Description,
    /// What the system calls it that it came from.
    pub reference: Option<Reference>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What a payer takes of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Its share, in millionths, of what is left after the patient's own part.
    pub share: Rate,
    /// What the patient pays of each invoice before that, in minor units of the invoice's currency.
    #[serde(default)]
    pub copay: i64,
    /// The most that it pays of one invoice, in minor units of the invoice's currency.
    #[serde(default)]
    pub most: Option<i64>,
}

/// That a payer pays for a patient (FHIR Coverage).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Coverage {
    /// Its id.
    pub id: CoverageId,
    /// For whom.
    pub patient_id: PatientId,
    /// Who pays.
    pub payer_id: PayerId,
    /// The patient's number there.
    pub member_number: Option<Reference>,
    /// How much it pays.
    pub terms: Terms,
    /// The first day.
    pub valid_from: NaiveDate,
    /// The last day, if one is known.
    pub valid_to: Option<NaiveDate>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Coverage {
    /// Whether it holds on a day.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|last| day <= last)
    }
}

impl Terms {
    /// What the payer takes of a total; the patient owes the rest. Never less than nothing, never more than all.
    pub fn payer_part(&self, total: Money) -> Result<Money, MoneyError> {
        let copay = Money::new(self.copay.clamp(0, total.amount.max(0)), total.currency);
        let part = total.minus(copay)?.share(self.share)?;
        match self.most {
            Some(most) => part.least(Money::new(most.max(0), total.currency)),
            None => Ok(part),
        }
    }
}
