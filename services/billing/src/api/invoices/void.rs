//! `POST /billing/invoices/{id}/void`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::id::InvoiceId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{hold, shown};
use crate::books;
use crate::domain::Invoice;

/// Calls an invoice void: nobody owes it, its entry is taken back, its number stays taken. Only where nothing of it is
/// settled or credited.
#[utoipa::path(tag = "invoices", params(("id" = Uuid, Path, description = "The invoice")),
    operation_id = "void_invoice",
    responses((status = 200, body = Invoice), Problems), security(("bearer" = ["invoice:issue"])))]
#[post("/billing/invoices/{id}/void")]
pub async fn void(call: Call<scope::InvoiceIssue>, id: web::Path<InvoiceId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    call.write(move |work| {
        let invoice = hold(work, id, reach)?;
        shown(&books::void(work, &invoice)?)
    })
    .await
}
