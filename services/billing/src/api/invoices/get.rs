//! `GET /billing/invoices/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::InvoiceId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure, Reply};

use super::{shown, shows};
use crate::domain::Invoice;
use crate::store;

/// One invoice, or credit note.
#[utoipa::path(tag = "invoices", params(("id" = Uuid, Path, description = "The invoice")),
    operation_id = "get_invoice",
    responses((status = 200, body = Invoice), Problems), security(("bearer" = ["invoice:read"])))]
#[get("/billing/invoices/{id}")]
pub async fn get(call: Call<scope::InvoiceRead>, id: web::Path<InvoiceId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let invoice = call.read(move |db| Ok(store::invoices::find(db, id)?)).await?;
    if !shows(reach, &invoice) {
        return Err(Code::NotFound.into());
    }
    call.disclose(Disclosure::one("invoice", id, invoice.patient_id)).await?;
    shown(&invoice)
}
