//! `POST /billing/invoices/{id}/write-off`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::InvoiceId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{hold, shown};
use crate::books;
use crate::domain::{Invoice, Note, booking};
use crate::store;

/// What a client sends to write an invoice off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteOff {
    /// Why; it becomes the note of the invoice.
    reason: Note,
}

/// Gives up what is open of an invoice: it is a loss then.
#[utoipa::path(tag = "invoices", params(("id" = Uuid, Path, description = "The invoice")),
    operation_id = "write_off_invoice", request_body = WriteOff,
    responses((status = 200, body = Invoice), Problems), security(("bearer" = ["invoice:issue"])))]
#[post("/billing/invoices/{id}/write-off")]
pub async fn write_off(
    call: Call<scope::InvoiceIssue>,
    id: web::Path<InvoiceId>,
    body: Json<WriteOff>,
) -> Result<Reply, Problem> {
    let (reach, id, reason) = (call.reach()?, id.into_inner(), body.into_inner().reason);
    call.write(move |work| {
        let invoice = hold(work, id, reach)?;
        let next = Invoice { note: Some(reason), ..invoice.write_off(work.now)? };
        let entry = booking::written_off(&invoice, books::stamp(work))?;
        books::written(store::invoices::save(work.db, &next))?;
        books::post(work, entry)?;
        books::audit(work, Action::Update, &next, "written off")?;
        shown(&next)
    })
    .await
}
