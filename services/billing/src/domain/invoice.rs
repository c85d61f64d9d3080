//! Invoices and credit notes.

use chrono::{DateTime, NaiveDate, Utc};
use hms_model::coded_enum;
use hms_model::id::{AppointmentId, CoverageId, DepartmentId, InvoiceId, PatientId, PayerId, PractitionerId};
use hms_model::money::{Currency, Money};
use serde::Serialize;
use utoipa::ToSchema;

use super::line::price_all;
use super::{Line, NewLine, Note, Reference, Refusal, Status, Totals};

coded_enum! {
    /// What a document is.
    pub enum Kind {
        /// Someone owes it.
        Invoice = "invoice",
        /// It takes back a part of an invoice.
        CreditNote = "credit_note",
    }
}

coded_enum! {
    /// Who owes a part of an invoice.
    pub enum Side {
        /// The patient.
        Patient = "patient",
        /// The patient's insurance.
        Payer = "payer",
    }
}

/// An invoice, or a credit note; amounts are in minor units of its currency.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// Invoice or credit note.
    pub kind: Kind,
    /// What has become of it.
    pub status: Status,
    /// The number that stands on it; a draft has none. Numbers of a series have no gaps.
    pub number: Option<String>,
    /// For whom.
    pub patient_id: PatientId,
    /// The appointment that it is for.
    pub appointment_id: Option<AppointmentId>,
    /// Who treated the patient.
    pub practitioner_id: Option<PractitionerId>,
    /// Whose revenue it is.
    pub department_id: Option<DepartmentId>,
    /// By which coverage an insurance takes a part of it.
    pub coverage_id: Option<CoverageId>,
    /// That insurance.
    pub payer_id: Option<PayerId>,
    /// The invoice that a credit note takes back a part of.
    pub credits: Option<InvoiceId>,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// What for.
    pub lines: Vec<Line>,
    /// Without tax: the sum of the lines.
    pub net: Money,
    /// The tax: the sum of the lines.
    pub tax: Money,
    /// With tax: the sum of the lines.
    pub total: Money,
    /// What the patient owes of it.
    pub patient_due: Money,
    /// What is settled of that.
    pub patient_settled: Money,
    /// What was credited of that.
    pub patient_credited: Money,
    /// What the insurance owes of it.
    pub payer_due: Money,
    /// What is settled of that.
    pub payer_settled: Money,
    /// What was credited of that.
    pub payer_credited: Money,
    /// What nobody has settled yet.
    pub open: Money,
    /// The day that it was issued.
    pub issued_on: Option<NaiveDate>,
    /// The last day on which it can be paid in time.
    pub due_on: Option<NaiveDate>,
    /// How often it was dunned: 0 to 3.
    pub dunning_level: i64,
    /// What else there is to say.
    pub note: Option<Note>,
    /// What the system calls it that it came from; each belongs to one invoice.
    pub reference: Option<Reference>,
    /// Goes up with each change.
    pub version: i64,
    /// When it was drafted.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a draft says.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// For whom.
    pub patient_id: PatientId,
    /// The appointment that it is for.
    pub appointment_id: Option<AppointmentId>,
    /// Who treated the patient.
    pub practitioner_id: Option<PractitionerId>,
    /// Whose revenue it is.
    pub department_id: Option<DepartmentId>,
    /// The coverage by which an insurance takes a part of it.
    pub coverage_id: Option<CoverageId>,
    /// That insurance.
    pub payer_id: Option<PayerId>,
    /// The currency.
    pub currency: Currency,
    /// What for.
    pub lines: Vec<NewLine>,
    /// What else there is to say.
    pub note: Option<Note>,
    /// What the system calls it that it came from.
    pub reference: Option<Reference>,
}

/// An invoice, or a credit note, that is issued but for its number: that is taken last.
#[derive(Debug, Clone, PartialEq)]
pub struct Unnumbered(Invoice);

impl Unnumbered {
    /// What there is of it.
    pub fn invoice(&self) -> &Invoice {
        &self.0
    }

    /// With its number.
    pub fn numbered(self, number: String) -> Invoice {
        Invoice { number: Some(number), ..self.0 }
    }
}

/// How an invoice is issued.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// The day.
    pub on: NaiveDate,
    /// Until when it is to be paid.
    pub due_on: NaiveDate,
    /// What the insurance takes of it.
    pub payer_due: Money,
}

/// What a credit comes to, by side: what closes open amounts, and what was paid already and becomes credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credited {
    /// The patient's part of the credit.
    pub patient: Money,
    /// The insurance's part.
    pub payer: Money,
    /// How much of the patient's part had been paid.
    pub patient_excess: Money,
    /// How much of the insurance's part had been paid.
    pub payer_excess: Money,
}

impl Invoice {
    /// A new draft.
    pub fn draft(draft: Draft, id: InvoiceId, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let currency = draft.currency;
        let lines = price_all(draft.lines, currency)?;
        let Totals { net, tax, total } = Totals::of(&lines, currency)?;
        let none = Money::zero(currency);
        Ok(Self {
            id,
            kind: Kind::Invoice,
            status: Status::Draft,
            number: None,
            patient_id: draft.patient_id,
            appointment_id: draft.appointment_id,
            practitioner_id: draft.practitioner_id,
            department_id: draft.department_id,
            coverage_id: draft.coverage_id,
            payer_id: draft.payer_id,
            credits: None,
            currency,
            lines,
            net,
            tax,
            total,
            patient_due: total,
            patient_settled: none,
            patient_credited: none,
            payer_due: none,
            payer_settled: none,
            payer_credited: none,
            open: none,
            issued_on: None,
            due_on: None,
            dunning_level: 0,
            note: draft.note,
            reference: draft.reference,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// The draft with another content; its id and its reference stay.
    pub fn revise(&self, draft: Draft, now: DateTime<Utc>) -> Result<Self, Refusal> {
        if self.status != Status::Draft {
            return Err(Refusal::Illegal(self.status));
        }
        let reference = self.reference.clone();
        let revised = Self::draft(Draft { reference, ..draft }, self.id, now)?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..revised })
    }

    /// Whether it can be issued, which is asked before it takes a number.
    pub fn issuable(&self) -> Result<(), Refusal> {
        self.status.to(Status::Issued)?;
        if self.lines.is_empty() { Err(Refusal::NoLines) } else { Ok(()) }
    }

    /// Issues it. One that comes to nothing is paid at once.
    pub fn issue(&self, issue: Issue, now: DateTime<Utc>) -> Result<Unnumbered, Refusal> {
        self.issuable()?;
        if issue.payer_due.amount < 0 || issue.payer_due.amount > self.total.amount {
            return Err(Refusal::TooMuch(self.total));
        }
        let mut next = self.touched(now);
        next.issued_on = Some(issue.on);
        next.due_on = Some(issue.due_on);
        next.payer_due = issue.payer_due;
        next.patient_due = self.total.minus(issue.payer_due)?;
        next.status = Status::Issued;
        Ok(Unnumbered(next.stand()?))
    }

    /// What one side has not settled yet.
    pub fn open_of(&self, side: Side) -> Result<Money, Refusal> {
        if !self.status.is_owed() {
            return Ok(Money::zero(self.currency));
        }
        Ok(match side {
            Side::Patient => self.patient_due.minus(self.patient_settled)?,
            Side::Payer => self.payer_due.minus(self.payer_settled)?,
        })
    }

    /// Settles this much of a side, or, where it is negative, opens it again.
    pub fn settle(&self, side: Side, amount: Money, now: DateTime<Utc>) -> Result<Self, Refusal> {
        self.owed()?;
        if amount.amount > self.open_of(side)?.amount {
            return Err(Refusal::TooMuch(self.open_of(side)?));
        }
        let mut next = self.touched(now);
        let settled = match side {
            Side::Patient => &mut next.patient_settled,
            Side::Payer => &mut next.payer_settled,
        };
        *settled = settled.plus(amount)?;
        next.stand()
    }

    /// Calls it void: nobody owes it. Its number stays taken.
    pub fn void(&self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        self.only_invoice()?;
        if self.status.is_owed() && (!self.settled()?.is_zero() || !self.credited()?.is_zero()) {
            return Err(Refusal::Settled);
        }
        let status = self.status.to(Status::Void)?;
        Ok(Self { status, open: Money::zero(self.currency), ..self.touched(now) })
    }

    /// Gives up what is open of it.
    pub fn write_off(&self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        self.only_invoice()?;
        let status = self.status.to(Status::WrittenOff)?;
        Ok(Self { status, open: Money::zero(self.currency), ..self.touched(now) })
    }

    /// What a credit of this much comes to: it is shared as the invoice is, and what is paid already becomes credit.
    pub fn credited_by(&self, amount: Money) -> Result<Credited, Refusal> {
        self.only_invoice()?;
        self.owed()?;
        let patient_left = self.patient_due.minus(self.patient_credited)?;
        let payer_left = self.payer_due.minus(self.payer_credited)?;
        let left = patient_left.plus(payer_left)?;
        if amount.amount <= 0 {
            return Err(Refusal::NoAmount);
        }
        if amount.currency != self.currency || amount.amount > left.amount {
            return Err(Refusal::TooMuch(left));
        }
        let weights = [patient_left.amount.unsigned_abs(), payer_left.amount.unsigned_abs()];
        let parts = amount.allocate(&weights)?;
        let part = |index: usize| parts.get(index).copied().unwrap_or(Money::zero(self.currency));
        let excess =
            |part: Money, side: Side| part.minus(part.least(self.open_of(side)?)?).map_err(Refusal::from);
        Ok(Credited {
            patient: part(0),
            payer: part(1),
            patient_excess: excess(part(0), Side::Patient)?,
            payer_excess: excess(part(1), Side::Payer)?,
        })
    }

    /// Takes the credit in: payments of the excess must have been taken off before.
    pub fn take_credit(&self, credited: &Credited, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let mut next = self.touched(now);
        next.patient_credited = next.patient_credited.plus(credited.patient)?;
        next.payer_credited = next.payer_credited.plus(credited.payer)?;
        next.patient_settled = next.patient_settled.plus(credited.patient)?;
        next.payer_settled = next.payer_settled.plus(credited.payer)?;
        next.stand()
    }

    /// The credit note over this invoice, with its number.
    pub fn credit_note(
        &self,
        id: InvoiceId,
        lines: Vec<NewLine>,
        note: Note,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        self.only_invoice()?;
        self.owed()?;
        let draft = Draft {
            patient_id: self.patient_id,
            appointment_id: None,
            practitioner_id: self.practitioner_id,
            department_id: self.department_id,
            coverage_id: self.coverage_id,
            payer_id: self.payer_id,
            currency: self.currency,
            lines,
            note: Some(note),
            reference: None,
        };
        let credit = Self::draft(draft, id, now)?;
        Ok(Self { kind: Kind::CreditNote, credits: Some(self.id), ..credit })
    }

    /// The note as it goes out: settled from the beginning.
    pub fn issue_note(self, on: NaiveDate, credited: &Credited) -> Unnumbered {
        Unnumbered(Self {
            status: Status::Paid,
            issued_on: Some(on),
            patient_due: credited.patient,
            patient_settled: credited.patient,
            payer_due: credited.payer,
            payer_settled: credited.payer,
            ..self
        })
    }

    /// Lays this much of the insurance's part on the patient: the insurance does not pay it.
    pub fn shift_to_patient(&self, amount: Money, now: DateTime<Utc>) -> Result<Self, Refusal> {
        self.owed()?;
        if amount.amount < 0 || amount.amount > self.open_of(Side::Payer)?.amount {
            return Err(Refusal::TooMuch(self.open_of(Side::Payer)?));
        }
        let mut next = self.touched(now);
        next.payer_due = next.payer_due.minus(amount)?;
        next.patient_due = next.patient_due.plus(amount)?;
        next.stand()
    }

    /// The same on the next level of dunning.
    pub fn dunned(&self, level: i64, now: DateTime<Utc>) -> Self {
        Self { dunning_level: level, ..self.touched(now) }
    }

    fn settled(&self) -> Result<Money, Refusal> {
        Ok(self.patient_settled.plus(self.payer_settled)?)
    }

    fn credited(&self) -> Result<Money, Refusal> {
        Ok(self.patient_credited.plus(self.payer_credited)?)
    }

    fn touched(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    fn owed(&self) -> Result<(), Refusal> {
        self.only_invoice()?;
        if self.status.is_owed() { Ok(()) } else { Err(Refusal::Illegal(self.status)) }
    }

    fn only_invoice(&self) -> Result<(), Refusal> {
        if self.kind == Kind::Invoice { Ok(()) } else { Err(Refusal::CreditNote) }
    }

    /// The status that follows from what is settled.
    fn stand(mut self) -> Result<Self, Refusal> {
        let due = self.patient_due.plus(self.payer_due)?;
        let settled = self.settled()?;
        self.open = due.minus(settled)?;
        let next = match (self.open.is_zero(), settled.is_zero()) {
            (true, _) => Status::Paid,
            (false, true) => Status::Issued,
            (false, false) => Status::PartlyPaid,
        };
        if next != self.status {
            self.status = self.status.to(next)?;
        }
        Ok(self)
    }
}
