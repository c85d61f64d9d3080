//! `GET /billing/payments/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::PaymentId;
use hms_model::role::{Reach, scope};
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Payment, Refund, Side};
use crate::store;

/// A payment with its refunds.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentShown {
    #[serde(flatten)]
    payment: Payment,
    /// What was given back of it.
    refunds: Vec<Refund>,
}

/// One payment, with its refunds.
#[utoipa::path(tag = "payments", params(("id" = Uuid, Path, description = "The payment")),
    operation_id = "get_payment",
    responses((status = 200, body = PaymentShown), Problems), security(("bearer" = ["payment:read"])))]
#[get("/billing/payments/{id}")]
pub async fn get(call: Call<scope::PaymentRead>, id: web::Path<PaymentId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let read = move |db: &mut hms_db::Db| {
        Ok(PaymentShown {
            payment: store::payments::find(db, id)?,
            refunds: store::payments::refunds(db, id)?,
        })
    };
    let shown = call.read(read).await?;
    if !shows(reach, &shown.payment) {
        return Err(Code::NotFound.into());
    }
    call.disclose(Disclosure::record("payment", id, shown.payment.patient_id)).await?;
    Ok(Reply::ok(&shown)?.version(shown.payment.version))
}

/// A patient sees what they paid themselves; no payment belongs to a department.
fn shows(reach: Reach, payment: &Payment) -> bool {
    match reach {
        Reach::Everyone => true,
        Reach::Own { .. } => {
            payment.side == Side::Patient && payment.patient_id.is_some_and(|patient| reach.covers(patient))
        }
        Reach::Department { .. } => false,
    }
}
