//! What billing tells: invoices and payments.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::Event;
use crate::id::{AppointmentId, DepartmentId, InvoiceId, PatientId, PaymentId, PractitionerId};
use crate::money::Money;

/// What is told of an invoice or a credit note; never its lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InvoiceFacts {
    /// The invoice.
    pub invoice_id: InvoiceId,
    /// Its version.
    pub version: i64,
    /// The number that stands on it.
    pub number: String,
    /// Whether it is an `invoice` or a `credit_note`.
    pub kind: String,
    /// For whom.
    pub patient_id: PatientId,
    /// The appointment that it is for.
    pub appointment_id: Option<AppointmentId>,
    /// All of it.
    pub total: Money,
    /// What is not settled yet.
    pub open: Money,
    /// Until when it is to be paid.
    pub due_on: Option<NaiveDate>,
    /// The day that it was issued, and counts for.
    #[serde(default)]
    pub issued_on: Option<NaiveDate>,
    /// Whose revenue it is.
    #[serde(default)]
    pub department_id: Option<DepartmentId>,
    /// Who treated the patient.
    #[serde(default)]
    pub practitioner_id: Option<PractitionerId>,
}

/// An invoice, or a credit note, has its number and is owed now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BillingInvoiceIssued(pub InvoiceFacts);
facts_event!(BillingInvoiceIssued = "billing.invoice.issued" by "billing", invoice_id);

/// Nothing of an invoice is open any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BillingInvoicePaid(pub InvoiceFacts);
facts_event!(BillingInvoicePaid = "billing.invoice.paid" by "billing", invoice_id);

/// An invoice was called void: nobody owes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BillingInvoiceVoided(pub InvoiceFacts);
facts_event!(BillingInvoiceVoided = "billing.invoice.voided" by "billing", invoice_id);

/// What is told of a payment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PaymentFacts {
    /// The payment.
    pub payment_id: PaymentId,
    /// Its version.
    pub version: i64,
    /// Whose debt it pays; none for one that no patient is named for.
    pub patient_id: Option<PatientId>,
    /// The invoice that it was meant for.
    pub invoice_id: Option<InvoiceId>,
    /// `cash`, `card`, `transfer`, `insurance`.
    pub method: String,
    /// What was taken, or given back.
    pub amount: Money,
    /// The system that asked for it and its own name for it: `facility`, `booking 0197…`.
    #[serde(default)]
    pub source: Option<String>,
    /// See `source`.
    #[serde(default)]
    pub reference: Option<String>,
    /// The day that the money was received, or given back.
    #[serde(default)]
    pub booked_on: Option<NaiveDate>,
    /// The department of the invoice that it was meant for.
    #[serde(default)]
    pub department_id: Option<DepartmentId>,
    /// The practitioner of that invoice.
    #[serde(default)]
    pub practitioner_id: Option<PractitionerId>,
}

/// Money was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BillingPaymentCaptured(pub PaymentFacts);
facts_event!(BillingPaymentCaptured = "billing.payment.captured" by "billing", payment_id);

/// Money was given back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BillingPaymentRefunded(pub PaymentFacts);
facts_event!(BillingPaymentRefunded = "billing.payment.refunded" by "billing", payment_id);
