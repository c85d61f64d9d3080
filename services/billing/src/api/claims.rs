//! `/api/v1/billing/claims`.

pub mod accept;
pub mod get;
pub mod list;
pub mod reject;
pub mod submit;

use hms_model::audit::Action;
use hms_model::id::ClaimId;
use hms_model::role::Reach;
use hms_problem::{Code, Problem};
use hms_service::{Act, Reply, Work};

use crate::books;
use crate::domain::{Claim, Invoice};
use crate::store;

/// Holds a claim with its invoice, which comes first; `If-Match` is checked.
fn hold(work: &mut Work<'_>, id: ClaimId, reach: Reach) -> Result<(Claim, Invoice), Problem> {
    let invoice = store::claims::find(work.db, id)?.invoice_id;
    let invoice = store::invoices::hold(work.db, invoice)?;
    if !reach.covers_in(invoice.patient_id, invoice.department_id) {
        return Err(Code::NotFound.into());
    }
    let claim = store::claims::find(work.db, id)?;
    work.check_version(claim.version)?;
    Ok((claim, invoice))
}

/// Saves the next version of a claim.
fn save(work: &mut Work<'_>, next: &Claim) -> Result<Reply, Problem> {
    books::written(store::claims::save(work.db, next))?;
    let act = Act::new(Action::Update, "claim").on(next.id).of_patient(next.patient_id);
    work.audit(act.detail(next.status.to_string()))?;
    Ok(Reply::ok(next)?.version(next.version))
}
