//! What a client writes into an invoice.

use chrono::NaiveDate;
use hms_model::id::{AppointmentId, CoverageId, DepartmentId, PatientId, PayerId, PractitionerId};
use hms_model::money::{Currency, Money, Quantity, Rate};
use hms_problem::Problem;
use hms_service::Work;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::books::Terms;
use crate::domain::{Description, Draft, NewLine, Note, Reference, Refusal, ServiceCode, price_at};
use crate::store;

/// The days within which an invoice is to be paid, unless it is said.
const DUE_IN_DAYS: u64 = 30;
/// The most of them.
const MOST_DAYS: u64 = 3_650;

/// A line: a service of the catalogue at its price of the day, or anything with a price of its own.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvoiceLine {
    /// The service of the catalogue.
    code: Option<ServiceCode>,
    /// What it is; the name of the service unless it is said.
    description: Option<Description>,
    /// How many; 1 unless it is said.
    quantity: Option<Quantity>,
    /// The price of one without tax, in minor units; that of the catalogue unless it is said.
    unit_price: Option<i64>,
    /// Taken off, in millionths.
    #[serde(default)]
    discount_rate: Rate,
    /// Taken off after that, in minor units.
    #[serde(default)]
    discount_amount: i64,
    /// The tax, in millionths; that of the catalogue unless it is said.
    tax_rate: Option<Rate>,
}

/// What a client sends to draft an invoice.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvoice {
    /// For whom.
    pub patient_id: PatientId,
    /// The appointment that it is for; one has one invoice.
    appointment_id: Option<AppointmentId>,
    /// Who treated the patient.
    practitioner_id: Option<PractitionerId>,
    /// Whose revenue it is.
    pub department_id: Option<DepartmentId>,
    /// The coverage by which an insurance takes a part of it.
    coverage_id: Option<CoverageId>,
    /// The insurance, where no coverage is known here.
    payer_id: Option<PayerId>,
    /// The currency of all its amounts.
    currency: Currency,
    /// What for.
    lines: Vec<NewInvoiceLine>,
    /// What else there is to say.
    note: Option<Note>,
    /// What the system calls it that it came from; it belongs to one invoice.
    reference: Option<Reference>,
    /// Issues it at once; needs the scope `invoice:issue`.
    pub issue: Option<NewIssue>,
}

/// How an invoice is issued.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIssue {
    /// The day; today unless it is said, and never one of a closed month.
    issued_on: Option<NaiveDate>,
    /// Within how many days it is to be paid; 30 unless it is said.
    due_in_days: Option<u64>,
    /// What the insurance takes, in minor units; as the coverage says unless it is said.
    payer_due: Option<i64>,
}

impl NewIssue {
    /// With what is not said filled in.
    pub fn terms(self, today: NaiveDate) -> Result<Terms, Refusal> {
        let due_in_days = self.due_in_days.unwrap_or(DUE_IN_DAYS);
        if due_in_days > MOST_DAYS {
            return Err(Refusal::Field("due_in_days", "at most 3650"));
        }
        Ok(Terms { on: self.issued_on.unwrap_or(today), due_in_days, payer_due: self.payer_due })
    }
}

impl NewInvoice {
    /// Looks up all that is named: those it is about, and the prices of the day.
    pub fn draft(self, work: &mut Work<'_>) -> Result<Draft, Problem> {
        let on = self.issue.and_then(|issue| issue.issued_on).unwrap_or(work.now.date_naive());
        if store::directory::patient_name(work.db, self.patient_id)?.is_none() {
            return Err(Refusal::Unknown("patient_id").into());
        }
        if let Some(department) = self.department_id
            && store::directory::department_name(work.db, department)?.is_none()
        {
            return Err(Refusal::Unknown("department_id").into());
        }
        let payer_id = payer(work, self.patient_id, self.coverage_id, self.payer_id)?;
        let mut lines = Vec::with_capacity(self.lines.len());
        for line in self.lines {
            lines.push(line.priced(work, self.currency, on)?);
        }
        Ok(Draft {
            patient_id: self.patient_id,
            appointment_id: self.appointment_id,
            practitioner_id: self.practitioner_id,
            department_id: self.department_id,
            coverage_id: self.coverage_id,
            payer_id,
            currency: self.currency,
            lines,
            note: self.note,
            reference: self.reference,
        })
    }
}

/// The insurance of the coverage, which must be the patient's, or the one that is named.
fn payer(
    work: &mut Work<'_>,
    patient: PatientId,
    coverage: Option<CoverageId>,
    payer: Option<PayerId>,
) -> Result<Option<PayerId>, Problem> {
    let Some(id) = coverage else {
        let known = payer.map(|id| store::coverages::payer(work.db, id)).transpose();
        return match known {
            Err(hms_db::Error::NotFound) => Err(Refusal::Unknown("payer_id").into()),
            known => Ok(known?.map(|payer| payer.id)),
        };
    };
    match store::coverages::find(work.db, id) {
        Ok(coverage) if coverage.patient_id == patient && payer.is_none_or(|id| id == coverage.payer_id) => {
            Ok(Some(coverage.payer_id))
        }
        Ok(_) => Err(Refusal::Field("coverage_id", "is not this patient's with this insurance").into()),
        Err(hms_db::Error::NotFound) => Err(Refusal::Unknown("coverage_id").into()),
        Err(error) => Err(error.into()),
    }
}

impl NewInvoiceLine {
    /// With what the catalogue says of it.
    pub fn priced(self, work: &mut Work<'_>, currency: Currency, on: NaiveDate) -> Result<NewLine, Problem> {
        let item = match &self.code {
            Some(code) => store::catalogue::by_code(work.db, code.as_str())?.filter(|item| item.active),
            None => None,
        };
        let price = item.as_ref().and_then(|item| price_at(&item.prices, on, currency));
        let unit_price = match (self.unit_price, price, &self.code) {
            (Some(amount), _, _) => Money::new(amount, currency),
            (None, Some(price), _) => price.price,
            (None, None, Some(code)) => {
                return Err(Refusal::NoPrice { code: code.to_string(), currency }.into());
            }
            (None, None, None) => return Err(Refusal::Line("a line has a code or a unit_price").into()),
        };
        let named = self.description.or_else(|| item.map(|item| item.name));
        Ok(NewLine {
            code: self.code,
            description: named.ok_or(Refusal::Line("a line needs a description"))?,
            quantity: self.quantity.unwrap_or(Quantity::ONE),
            unit_price,
            discount_rate: self.discount_rate,
            discount_amount: self.discount_amount,
            tax_rate: self.tax_rate.or(price.map(|price| price.tax_rate)).unwrap_or(Rate::ZERO),
        })
    }
}
