//! `GET /billing/payments`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use crate::domain::Payment;
use crate::store::{self, payments::PaymentFilters};

/// The payments that the caller may see, newest first: patients see what they paid themselves, staff all.
#[utoipa::path(tag = "payments", params(List<PaymentFilters>), operation_id = "list_payments",
    responses((status = 200, body = Page<Payment>), Problems), security(("bearer" = ["payment:read"])))]
#[get("/billing/payments")]
pub async fn list(call: Call<scope::PaymentRead>, list: List<PaymentFilters>) -> Result<Reply, Problem> {
    let reach = call.reach()?;
    let page = call.read(move |db| Ok(store::payments::list(db, &list, reach)?)).await?;
    let patients = page.results.iter().filter_map(|payment| payment.patient_id);
    call.disclose(Disclosure::list("payment", patients)).await?;
    Reply::ok(&page)
}
