//! Payments: money that was taken, or is about to be, and money that was given back.

use chrono::{DateTime, NaiveDate, Utc};
use hms_model::coded_enum;
use hms_model::id::{InvoiceId, PatientId, PayerId, PaymentId, RefundId};
use hms_model::money::Money;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Note, Reference, Refusal, Side};

coded_enum! {
    /// How money comes in.
    pub enum Method {
        /// Notes and coins.
        Cash = "cash",
        /// A card: at a terminal of one's own, or by the payment provider.
        Card = "card",
        /// A transfer to the bank account.
        Transfer = "transfer",
        /// An insurance pays, by transfer.
        Insurance = "insurance",
    }
}

coded_enum! {
    /// What has become of a payment.
    pub enum PaymentStatus {
        /// The payment provider has not said yet whether it was taken.
        Pending = "pending",
        /// It was taken.
        Captured = "captured",
        /// A part was given back.
        PartlyRefunded = "partly_refunded",
        /// All of it was given back.
        Refunded = "refunded",
        /// It was not taken.
        Failed = "failed",
    }
}

coded_enum! {
    /// What has become of a refund.
    pub enum RefundStatus {
        /// The payment provider has not done it yet.
        Pending = "pending",
        /// It was given back.
        Done = "done",
        /// The payment provider did not do it.
        Failed = "failed",
    }
}

impl PaymentStatus {
    /// Where it may go from here.
    pub const fn moves(self) -> &'static [PaymentStatus] {
        match self {
            Self::Pending => &[Self::Captured, Self::Failed],
            Self::Captured | Self::PartlyRefunded => &[Self::PartlyRefunded, Self::Refunded],
            Self::Refunded | Self::Failed => &[],
        }
    }
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// What has become of it.
    pub status: PaymentStatus,
    /// How it came in.
    pub method: Method,
    /// Whose debt it pays.
    pub side: Side,
    /// The patient.
    pub patient_id: Option<PatientId>,
    /// The insurance that pays.
    pub payer_id: Option<PayerId>,
    /// The invoice that it is meant for.
    pub invoice_id: Option<InvoiceId>,
    /// How much.
    pub amount: Money,
    /// What was given back of it.
    pub refunded: Money,
    /// What no invoice has taken: the credit of whoever paid.
    pub unapplied: Money,
    /// The day that the money came in.
    pub received_on: NaiveDate,
    /// What stands beside it on a bank statement.
    pub reference: Option<Reference>,
    /// The system that asked for it; with `source_reference` it stands for one payment.
    pub source: Option<String>,
    /// That system's own name for it.
    pub source_reference: Option<String>,
    /// What the payment provider said of it.
    #[serde(flatten)]
    pub provided: Provided,
    /// The day of the bank statement that has it.
    pub reconciled_on: Option<NaiveDate>,
    /// Goes up with each change.
    pub version: i64,
    /// When it was written down.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a payment provider says of a payment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Provided {
    /// Whether the payment goes through the provider.
    pub by_provider: bool,
    /// The provider's name for it.
    pub provider_reference: Option<String>,
    /// With this the patient's browser completes it at the provider.
    pub client_secret: Option<String>,
    /// Why it was not taken.
    pub failure: Option<String>,
}

/// Money that goes back.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// The payment that it gives back.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// What has become of it.
    pub status: RefundStatus,
    /// Why.
    pub reason: Note,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// A payment as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPayment {
    /// How it comes in.
    pub method: Method,
    /// The patient.
    pub patient_id: Option<PatientId>,
    /// The insurance that pays.
    pub payer_id: Option<PayerId>,
    /// The invoice that it is meant for.
    pub invoice_id: Option<InvoiceId>,
    /// How much.
    pub amount: Money,
    /// The day that the money came in.
    pub received_on: NaiveDate,
    /// What stands beside it on a bank statement.
    pub reference: Option<Reference>,
    /// The system that asks for it, and its own name for it.
    pub source: Option<(String, String)>,
    /// Whether the payment provider shall take it.
    pub by_provider: bool,
}

impl Payment {
    /// A new payment: pending with the provider, taken otherwise. Nothing of it is applied yet.
    pub fn new(new: NewPayment, id: PaymentId, now: DateTime<Utc>) -> Result<Self, Refusal> {
        if new.amount.amount <= 0 {
            return Err(Refusal::NoAmount);
        }
        if new.by_provider && new.method != Method::Card {
            return Err(Refusal::Field("method", "the payment provider takes cards"));
        }
        if new.received_on > now.date_naive() {
            return Err(Refusal::Field("received_on", "must not lie in the future"));
        }
        let side = if new.method == Method::Insurance { Side::Payer } else { Side::Patient };
        if side == Side::Payer && new.payer_id.is_none() {
            return Err(Refusal::Field("payer_id", "an insurance pays: say which"));
        }
        let (source, source_reference) = new.source.unzip();
        Ok(Self {
            id,
            status: if new.by_provider { PaymentStatus::Pending } else { PaymentStatus::Captured },
            method: new.method,
            side,
            patient_id: new.patient_id,
            payer_id: new.payer_id,
            invoice_id: new.invoice_id,
            amount: new.amount,
            refunded: Money::zero(new.amount.currency),
            unapplied: Money::zero(new.amount.currency),
            received_on: new.received_on,
            reference: new.reference,
            source,
            source_reference,
            provided: Provided { by_provider: new.by_provider, ..Provided::default() },
            reconciled_on: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// Whether another service of the platform took it for something of its own, which no invoice here says.
    pub fn is_foreign(&self) -> bool {
        self.source.is_some() && self.patient_id.is_none() && self.invoice_id.is_none()
    }

    /// Whether money is there of it.
    pub fn is_taken(&self) -> bool {
        matches!(self.status, PaymentStatus::Captured | PaymentStatus::PartlyRefunded)
    }

    /// The next version of it.
    #[must_use]
    pub fn touched(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    /// The provider has taken it.
    pub fn capture(&self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        self.become_status(PaymentStatus::Captured, now)
    }

    /// The provider has not taken it.
    pub fn fail(&self, reason: String, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let mut next = self.become_status(PaymentStatus::Failed, now)?;
        next.provided.failure = Some(reason);
        Ok(next)
    }

    /// What can still be given back.
    pub fn refundable(&self) -> Result<Money, Refusal> {
        if !self.is_taken() {
            return Err(Refusal::IllegalPayment(self.status));
        }
        Ok(self.amount.minus(self.refunded)?)
    }

    /// Takes this much of it as given back; `from_credit` of it had not been applied.
    pub fn refund(&self, amount: Money, from_credit: Money, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let most = self.refundable()?;
        if amount.amount <= 0 {
            return Err(Refusal::NoAmount);
        }
        if amount.currency != most.currency || amount.amount > most.amount {
            return Err(Refusal::TooMuch(most));
        }
        let refunded = self.refunded.plus(amount)?;
        let status =
            if refunded == self.amount { PaymentStatus::Refunded } else { PaymentStatus::PartlyRefunded };
        let unapplied = self.unapplied.minus(from_credit)?;
        Ok(Self { refunded, unapplied, ..self.become_status(status, now)? })
    }

    fn become_status(&self, status: PaymentStatus, now: DateTime<Utc>) -> Result<Self, Refusal> {
        if !self.status.moves().contains(&status) {
            return Err(Refusal::IllegalPayment(self.status));
        }
        Ok(Self { status, ..self.touched(now) })
    }
}
