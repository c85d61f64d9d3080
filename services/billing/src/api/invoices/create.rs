//! `POST /billing/invoices`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::Coded;
use hms_model::audit::Action;
use hms_model::id::InvoiceId;
use hms_model::role::{Requirement, Scope, scope};
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};

use super::new::NewInvoice;
use crate::books;
use crate::domain::{Draft, Invoice};
use crate::store;

/// Drafts an invoice; with `issue` it is issued at once.
///
/// An appointment and a reference have one invoice each: 409 `DUPLICATE` with its `id`.
#[utoipa::path(tag = "invoices", request_body = NewInvoice, operation_id = "create_invoice",
    responses((status = 201, body = Invoice), Problems), security(("bearer" = ["invoice:write"])))]
#[post("/billing/invoices")]
pub async fn create(call: Call<scope::InvoiceWrite>, body: Json<NewInvoice>) -> Result<Reply, Problem> {
    let (reach, new) = (call.reach()?, body.into_inner());
    if new.issue.is_some() && !call.claims()?.meets(Requirement::Scope(Scope::InvoiceIssue)) {
        return Err(Problem::new(Code::Forbidden).detail("scope", Scope::InvoiceIssue.code()));
    }
    if !reach.covers_in(new.patient_id, new.department_id) {
        return Err(Problem::new(Code::Forbidden).message("department_id: the key is bound to another one"));
    }
    call.write(move |work| make(work, new)).await
}

fn make(work: &mut Work<'_>, new: NewInvoice) -> Result<Reply, Problem> {
    let issue = new.issue;
    let draft = new.draft(work)?;
    if let Some(id) = same(work, &draft)? {
        return Err(duplicate(id));
    }
    let draft = Invoice::draft(draft, work.new_id(), work.now)?;
    let invoice = match issue {
        Some(issue) => {
            let terms = issue.terms(work.now.date_naive())?;
            books::issue(work, &draft, terms, |work, issued| Ok(store::invoices::insert(work.db, issued)?))?
        }
        None => {
            store::invoices::insert(work.db, &draft)?;
            draft
        }
    };
    books::audit(work, Action::Create, &invoice, invoice.status.code())?;
    let place = format!("/api/v1/billing/invoices/{}", invoice.id);
    Ok(Reply::created(&invoice)?.version(invoice.version).at(place))
}

/// The invoice that is there already for the same appointment or by the same reference.
fn same(work: &mut Work<'_>, draft: &Draft) -> Result<Option<InvoiceId>, Problem> {
    if let Some(reference) = &draft.reference
        && let Some(id) = store::invoices::by_reference(work.db, reference.as_str())?
    {
        return Ok(Some(id));
    }
    match draft.appointment_id {
        Some(id) => Ok(store::invoices::by_appointment(work.db, id)?),
        None => Ok(None),
    }
}

fn duplicate(id: InvoiceId) -> Problem {
    Problem::new(Code::Duplicate).message("There is an invoice of this already.").detail("id", id.to_string())
}
