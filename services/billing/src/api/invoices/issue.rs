//! `POST /billing/invoices/{id}/issue`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::id::InvoiceId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::new::NewIssue;
use super::{hold, shown};
use crate::books;
use crate::domain::Invoice;
use crate::store;

/// Issues a draft: it takes the next number of its series, is booked, and is owed. The insurance's part becomes a claim.
#[utoipa::path(tag = "invoices", params(("id" = Uuid, Path, description = "The invoice")),
    operation_id = "issue_invoice", request_body = NewIssue,
    responses((status = 200, body = Invoice), Problems), security(("bearer" = ["invoice:issue"])))]
#[post("/billing/invoices/{id}/issue")]
pub async fn issue(
    call: Call<scope::InvoiceIssue>,
    id: web::Path<InvoiceId>,
    body: Json<NewIssue>,
) -> Result<Reply, Problem> {
    let (reach, id, new) = (call.reach()?, id.into_inner(), body.into_inner());
    call.write(move |work| {
        let invoice = hold(work, id, reach)?;
        let terms = new.terms(work.now.date_naive())?;
        let issued = books::issue(work, &invoice, terms, |work, issued| {
            books::written(store::invoices::save(work.db, issued))
        })?;
        shown(&issued)
    })
    .await
}
