//! `/api/v1/billing/invoices`.

pub mod apply_credit;
pub mod create;
pub mod credit;
pub mod get;
pub mod issue;
pub mod list;
mod new;
pub mod pdf;
pub mod update;
pub mod void;
pub mod write_off;

use hms_model::id::InvoiceId;
use hms_model::role::Reach;
use hms_problem::{Code, Problem};
use hms_service::{Reply, Work};

use crate::domain::{Invoice, Status};
use crate::store;

/// Holds an invoice of the caller's until the unit of work ends; `If-Match` is checked.
fn hold(work: &mut Work<'_>, id: InvoiceId, reach: Reach) -> Result<Invoice, Problem> {
    let invoice = store::invoices::hold(work.db, id)?;
    if !shows(reach, &invoice) {
        return Err(Code::NotFound.into());
    }
    work.check_version(invoice.version)?;
    Ok(invoice)
}

/// Patients see their own, and no drafts.
fn shows(reach: Reach, invoice: &Invoice) -> bool {
    let draft = invoice.status == Status::Draft && matches!(reach, Reach::Own { .. });
    !draft && reach.covers_in(invoice.patient_id, invoice.department_id)
}

fn shown(invoice: &Invoice) -> Result<Reply, Problem> {
    Ok(Reply::ok(invoice)?.version(invoice.version))
}
