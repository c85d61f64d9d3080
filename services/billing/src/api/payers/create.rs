//! `POST /billing/payers`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::of_the_whole;
use crate::domain::{Description, Payer, Reference};
use crate::store;

/// What a client sends to make a payer known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayer {
    /// Its name.
    name: Description,
    /// What the system calls it that it comes from; it belongs to one payer.
    reference: Option<Reference>,
}

/// Makes a payer known: an insurance, or whoever else pays for patients. A reference has one: 409 `DUPLICATE`.
#[utoipa::path(tag = "insurance", request_body = NewPayer, operation_id = "create_payer",
    responses((status = 201, body = Payer), Problems), security(("bearer" = ["coverage:write"])))]
#[post("/billing/payers")]
pub async fn create(call: Call<scope::CoverageWrite>, body: Json<NewPayer>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let new = body.into_inner();
    call.write(move |work| {
        if let Some(reference) = &new.reference
            && let Some(id) = store::coverages::payer_by_reference(work.db, reference.as_str())?
        {
            return Err(Problem::new(Code::Duplicate).detail("id", id.to_string()));
        }
        let payer =
            Payer { id: work.new_id(), name: new.name, reference: new.reference, created_at: work.now };
        store::coverages::insert_payer(work.db, &payer)?;
        work.audit(Act::new(Action::Create, "payer").on(payer.id))?;
        Ok(Reply::created(&payer)?.at(format!("/api/v1/billing/payers/{}", payer.id)))
    })
    .await
}
