//! `PUT /billing/invoices/{id}`.

use actix_web::{put, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::InvoiceId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::new::NewInvoice;
use super::{hold, shown};
use crate::books;
use crate::domain::{Invoice, Refusal};
use crate::store;

/// Writes a draft anew; its reference stays. What was issued does not change: it is credited.
#[utoipa::path(tag = "invoices", params(("id" = Uuid, Path, description = "The invoice")),
    operation_id = "update_invoice", request_body = NewInvoice,
    responses((status = 200, body = Invoice), Problems), security(("bearer" = ["invoice:write"])))]
#[put("/billing/invoices/{id}")]
pub async fn update(
    call: Call<scope::InvoiceWrite>,
    id: web::Path<InvoiceId>,
    body: Json<NewInvoice>,
) -> Result<Reply, Problem> {
    let (reach, id, new) = (call.reach()?, id.into_inner(), body.into_inner());
    if new.issue.is_some() {
        return Err(Refusal::Field("issue", "a draft is issued by POST …/issue").into());
    }
    call.write(move |work| {
        let invoice = hold(work, id, reach)?;
        let draft = new.draft(work)?;
        let next = invoice.revise(draft, work.now)?;
        books::written(store::invoices::save(work.db, &next))?;
        books::audit(work, Action::Update, &next, "lines")?;
        shown(&next)
    })
    .await
}
