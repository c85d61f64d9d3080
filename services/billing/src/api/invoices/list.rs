//! `GET /billing/invoices`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use crate::domain::Invoice;
use crate::store::{self, invoices::InvoiceFilters};

/// The invoices and credit notes that the caller may see, newest first: patients see their own, staff all.
#[utoipa::path(tag = "invoices", params(List<InvoiceFilters>), operation_id = "list_invoices",
    responses((status = 200, body = Page<Invoice>), Problems), security(("bearer" = ["invoice:read"])))]
#[get("/billing/invoices")]
pub async fn list(call: Call<scope::InvoiceRead>, list: List<InvoiceFilters>) -> Result<Reply, Problem> {
    let reach = call.reach()?;
    let page = call.read(move |db| Ok(store::invoices::list(db, &list, reach)?)).await?;
    call.disclose(Disclosure::list("invoice", page.results.iter().map(|invoice| invoice.patient_id))).await?;
    Reply::ok(&page)
}
