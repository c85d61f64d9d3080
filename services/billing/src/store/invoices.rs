//! Invoices and the numbers of their series.

use chrono::NaiveDate;
use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Code, Db, Json, KeepExt, Key, LockExt, MultiBackend, compare};
use hms_model::id::{AppointmentId, DepartmentId, InvoiceId, PatientId, PayerId};
use hms_model::money::Money;
use hms_model::role::Reach;

use super::{currency, paged, text, unreadable};
use crate::domain::{Invoice, Kind, Status};
use crate::schema::{invoices, series};

list_filters! {
    /// What `GET /billing/invoices` can be filtered and ordered by.
    pub struct InvoiceFilters {
        status: Status = Set,
        kind: Kind = Set,
        patient_id: PatientId = Set,
        payer_id: PayerId = Set,
        department_id: DepartmentId = Set,
        appointment_id: AppointmentId = Set,
        reference: String = Set,
        issued_on: NaiveDate = Range,
        due_on: NaiveDate = Range,
        dunning_level: i64 = Range,
    }
    search: None,
    ordering: ["created_at", "issued_on", "due_on", "total"],
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = invoices)]
#[diesel(treat_none_as_null = true)]
struct Row {
    id: Key,
    kind: Code<Kind>,
    status: Code<Status>,
    series: Option<String>,
    serial: Option<i64>,
    patient_id: Key,
    appointment_id: Option<Key>,
    practitioner_id: Option<Key>,
    department_id: Option<Key>,
    coverage_id: Option<Key>,
    payer_id: Option<Key>,
    credits: Option<Key>,
    currency: String,
    lines: Json,
    net: i64,
    tax: i64,
    total: i64,
    patient_due: i64,
    patient_settled: i64,
    patient_credited: i64,
    payer_due: i64,
    payer_settled: i64,
    payer_credited: i64,
    open: i64,
    issued_on: Option<NaiveDate>,
    due_on: Option<NaiveDate>,
    dunning_level: i64,
    note: Option<String>,
    reference: Option<String>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl Row {
    fn of(invoice: &Invoice) -> hms_db::Result<Self> {
        let (series, serial) = invoice.number.as_deref().and_then(split).unzip();
        Ok(Self {
            id: invoice.id.into(),
            kind: invoice.kind.into(),
            status: invoice.status.into(),
            series,
            serial,
            patient_id: invoice.patient_id.into(),
            appointment_id: invoice.appointment_id.map(Key::from),
            practitioner_id: invoice.practitioner_id.map(Key::from),
            department_id: invoice.department_id.map(Key::from),
            coverage_id: invoice.coverage_id.map(Key::from),
            payer_id: invoice.payer_id.map(Key::from),
            credits: invoice.credits.map(Key::from),
            currency: invoice.currency.code().into(),
            lines: Json(serde_json::to_value(&invoice.lines).map_err(unreadable)?),
            net: invoice.net.amount,
            tax: invoice.tax.amount,
            total: invoice.total.amount,
            patient_due: invoice.patient_due.amount,
            patient_settled: invoice.patient_settled.amount,
            patient_credited: invoice.patient_credited.amount,
            payer_due: invoice.payer_due.amount,
            payer_settled: invoice.payer_settled.amount,
            payer_credited: invoice.payer_credited.amount,
            open: invoice.open.amount,
            issued_on: invoice.issued_on,
            due_on: invoice.due_on,
            dunning_level: invoice.dunning_level,
            note: invoice.note.clone().map(String::from),
            reference: invoice.reference.clone().map(String::from),
            version: invoice.version,
            created_at: invoice.created_at.into(),
            updated_at: invoice.updated_at.into(),
        })
    }

    fn invoice(self) -> hms_db::Result<Invoice> {
        let currency = currency(&self.currency)?;
        let money = |amount| Money::new(amount, currency);
        Ok(Invoice {
            id: self.id.into(),
            kind: self.kind.0,
            status: self.status.0,
            number: self.series.zip(self.serial).map(|(series, serial)| join(&series, serial)),
            patient_id: self.patient_id.into(),
            appointment_id: self.appointment_id.map(Into::into),
            practitioner_id: self.practitioner_id.map(Into::into),
            department_id: self.department_id.map(Into::into),
            coverage_id: self.coverage_id.map(Into::into),
            payer_id: self.payer_id.map(Into::into),
            credits: self.credits.map(Into::into),
            currency,
            lines: serde_json::from_value(self.lines.0).map_err(unreadable)?,
            net: money(self.net),
            tax: money(self.tax),
            total: money(self.total),
            patient_due: money(self.patient_due),
            patient_settled: money(self.patient_settled),
            patient_credited: money(self.patient_credited),
            payer_due: money(self.payer_due),
            payer_settled: money(self.payer_settled),
            payer_credited: money(self.payer_credited),
            open: money(self.open),
            issued_on: self.issued_on,
            due_on: self.due_on,
            dunning_level: self.dunning_level,
            note: text(self.note)?,
            reference: text(self.reference)?,
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }
}

/// A number as it stands on paper: `INV-000042`.
fn join(series: &str, serial: i64) -> String {
    format!("{series}-{serial:06}")
}

fn split(number: &str) -> Option<(String, i64)> {
    let (series, serial) = number.rsplit_once('-')?;
    Some((series.to_owned(), serial.parse().ok()?))
}

/// The series that invoices, or credit notes, are numbered in.
pub const fn series_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Invoice => "INV",
        Kind::CreditNote => "CN",
    }
}

/// Takes the next number of the kind's series. The series is held until the unit of work ends: whoever comes second
/// waits, and where the first rolls back, takes the same number. So it is taken as late as can be.
pub fn take_number(db: &mut Db, kind: Kind) -> hms_db::Result<String> {
    let code = series_of(kind);
    let taken = diesel::update(series::table.find(code)).set(series::next.eq(series::next + 1));
    let next: i64 = taken.returning(series::next).kept().get_result(db)?;
    Ok(join(code, next - 1))
}

/// Writes a new invoice.
pub fn insert(db: &mut Db, invoice: &Invoice) -> hms_db::Result<()> {
    diesel::insert_into(invoices::table).values(Row::of(invoice)?).kept().execute(db)?;
    Ok(())
}

/// The invoice of this id.
pub fn find(db: &mut Db, id: InvoiceId) -> hms_db::Result<Invoice> {
    let row: Row = invoices::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.invoice()
}

/// The invoice that another system calls so, if there is one.
pub fn by_reference(db: &mut Db, reference: &str) -> hms_db::Result<Option<InvoiceId>> {
    let query = invoices::table.filter(invoices::reference.eq(reference)).select(invoices::id);
    let id: Option<Key> = query.first(db).optional()?;
    Ok(id.map(Into::into))
}

/// The invoice of an appointment, if there is one.
pub fn by_appointment(db: &mut Db, id: AppointmentId) -> hms_db::Result<Option<InvoiceId>> {
    let query = invoices::table.filter(invoices::appointment_id.eq(Key::from(id))).select(invoices::id);
    let id: Option<Key> = query.first(db).optional()?;
    Ok(id.map(Into::into))
}

/// An invoice that nobody else can change until the unit of work ends. Invoices are held before payments, several of
/// them in the order of their ids, and the series last: so no two can wait for each other.
pub fn hold(db: &mut Db, id: InvoiceId) -> hms_db::Result<Invoice> {
    let query = invoices::table.find(Key::from(id)).select(Row::as_select()).lock(db);
    let row: Row = query.get_result(db)?;
    row.invoice()
}

/// Saves the next version of an invoice; false when there is another next version already.
pub fn save(db: &mut Db, next: &Invoice) -> hms_db::Result<bool> {
    let before = invoices::table.find(Key::from(next.id)).filter(invoices::version.eq(next.version - 1));
    Ok(diesel::update(before).set(Row::of(next)?).kept().execute(db)? == 1)
}

/// Invoices that are owed, were due before a day and have not reached this level; held, and those that others hold
/// left out.
pub fn overdue(db: &mut Db, before: NaiveDate, level: i64, limit: i64) -> hms_db::Result<Vec<Invoice>> {
    let query = invoices::table
        .filter(invoices::status.eq_any([Code(Status::Issued), Code(Status::PartlyPaid)]))
        .filter(invoices::due_on.le(before))
        .filter(invoices::dunning_level.lt(level))
        .order(invoices::id)
        .limit(limit)
        .select(Row::as_select())
        .lock_skip(db);
    let rows: Vec<Row> = query.load(db)?;
    rows.into_iter().map(Row::invoice).collect()
}

/// One page of the invoices that the caller may see; patients see their own, and no drafts.
pub fn list(db: &mut Db, list: &List<InvoiceFilters>, reach: Reach) -> hms_db::Result<Page<Invoice>> {
    let matching = || matching(&list.filters, reach);
    paged!(
        matching,
        list,
        invoices::id,
        {
            "created_at" => invoices::created_at, "issued_on" => invoices::issued_on,
            "due_on" => invoices::due_on, "total" => invoices::total
        },
        db,
        Row,
        Row::invoice
    )
}

fn matching(filters: &InvoiceFilters, reach: Reach) -> invoices::BoxedQuery<'static, MultiBackend> {
    let mut query = invoices::table.into_boxed();
    query = match reach {
        Reach::Everyone => query,
        Reach::Own { patient_id, .. } => query
            .filter(invoices::patient_id.nullable().eq(patient_id.map(Key::from)))
            .filter(invoices::status.ne(Code(Status::Draft))),
        Reach::Department { department_id } => {
            query.filter(invoices::department_id.eq(Some(Key::from(department_id))))
        }
    };
    query = compare!(query, invoices::status, filters.status, |status| Code(status));
    query = compare!(query, invoices::kind, filters.kind, |kind| Code(kind));
    query = compare!(query, invoices::patient_id, filters.patient_id, |id| Key::from(id));
    query = compare!(query, invoices::payer_id, filters.payer_id, |id| Some(Key::from(id)));
    query = compare!(query, invoices::department_id, filters.department_id, |id| Some(Key::from(id)));
    query = compare!(query, invoices::appointment_id, filters.appointment_id, |id| Some(Key::from(id)));
    query = compare!(query, invoices::reference, filters.reference, |reference| Some(reference));
    query = compare!(query, invoices::issued_on, filters.issued_on, |day| Some(day));
    query = compare!(query, invoices::due_on, filters.due_on, |day| Some(day));
    compare!(query, invoices::dunning_level, filters.dunning_level, |level| level)
}
