//! Claims: what an insurance is asked to pay of an invoice.

use chrono::{DateTime, Utc};
use hms_model::coded_enum;
use hms_model::id::{ClaimId, CoverageId, InvoiceId, PatientId, PayerId};
use hms_model::money::Money;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Note, Refusal};

coded_enum! {
    /// What has become of a claim.
    pub enum ClaimStatus {
        /// The invoice is issued, and the insurance has not been asked yet.
        Draft = "draft",
        /// It has been asked.
        Submitted = "submitted",
        /// It will pay what it has agreed to.
        Accepted = "accepted",
        /// It pays nothing; the patient owes it.
        Rejected = "rejected",
        /// It has paid.
        Paid = "paid",
        /// The invoice is void.
        Cancelled = "cancelled",
    }
}

impl ClaimStatus {
    /// Where it may go from here.
    pub const fn moves(self) -> &'static [ClaimStatus] {
        match self {
            Self::Draft => &[Self::Submitted, Self::Paid, Self::Cancelled],
            Self::Submitted => &[Self::Accepted, Self::Rejected, Self::Paid, Self::Cancelled],
            Self::Accepted => &[Self::Paid, Self::Cancelled],
            Self::Paid => &[Self::Accepted],
            Self::Rejected | Self::Cancelled => &[],
        }
    }
}

/// What an insurance is asked to pay.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Claim {
    /// Its id.
    pub id: ClaimId,
    /// Of which invoice.
    pub invoice_id: InvoiceId,
    /// Who is asked.
    pub payer_id: PayerId,
    /// By which coverage.
    pub coverage_id: Option<CoverageId>,
    /// For whom.
    pub patient_id: PatientId,
    /// What has become of it.
    pub status: ClaimStatus,
    /// What was asked for.
    pub claimed: Money,
    /// What was agreed to.
    pub agreed: Option<Money>,
    /// Why not all of it.
    pub reason: Option<Note>,
    /// Goes up with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Claim {
    /// The same in another status, where it may be.
    pub fn become_status(&self, status: ClaimStatus, now: DateTime<Utc>) -> Result<Self, Refusal> {
        if !self.status.moves().contains(&status) {
            return Err(Refusal::IllegalClaim(self.status));
        }
        Ok(Self { status, version: self.version + 1, updated_at: now, ..self.clone() })
    }

    /// Agreed to in part or whole; gives what the patient owes instead.
    pub fn accept(
        &self,
        agreed: Money,
        reason: Option<Note>,
        now: DateTime<Utc>,
    ) -> Result<(Self, Money), Refusal> {
        if agreed.amount <= 0 {
            return Err(Refusal::NoAmount);
        }
        if agreed.currency != self.claimed.currency || agreed.amount > self.claimed.amount {
            return Err(Refusal::TooMuch(self.claimed));
        }
        let next = self.become_status(ClaimStatus::Accepted, now)?;
        Ok((Self { agreed: Some(agreed), reason, ..next }, self.claimed.minus(agreed)?))
    }
}
