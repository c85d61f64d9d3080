//! `POST /billing/coverages`.

use actix_web::post;
use chrono::NaiveDate;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::{PatientId, PayerId};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::of_the_whole;
use crate::domain::{Coverage, Reference, Refusal, Terms};
use crate::store;

/// What a client sends to say that a payer pays for a patient.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCoverage {
    /// For whom.
    patient_id: PatientId,
    /// Who pays.
    payer_id: PayerId,
    /// The patient's number there.
    member_number: Option<Reference>,
    /// How much it pays.
    terms: Terms,
    /// The first day.
    valid_from: NaiveDate,
    /// The last day, if one is known.
    valid_to: Option<NaiveDate>,
}

/// Says that a payer pays for a patient, how much and when.
#[utoipa::path(tag = "insurance", request_body = NewCoverage, operation_id = "create_coverage",
    responses((status = 201, body = Coverage), Problems), security(("bearer" = ["coverage:write"])))]
#[post("/billing/coverages")]
pub async fn create(call: Call<scope::CoverageWrite>, body: Json<NewCoverage>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let new = body.into_inner();
    call.write(move |work| make(work, new)).await
}

fn make(work: &mut Work<'_>, new: NewCoverage) -> Result<Reply, Problem> {
    if new.valid_to.is_some_and(|last| last < new.valid_from) {
        return Err(Refusal::Field("valid_to", "must not be before valid_from").into());
    }
    if new.terms.copay < 0 || new.terms.most.is_some_and(|most| most < 0) {
        return Err(Refusal::Field("terms", "amounts must not be negative").into());
    }
    if store::directory::patient_name(work.db, new.patient_id)?.is_none() {
        return Err(Refusal::Unknown("patient_id").into());
    }
    match store::coverages::payer(work.db, new.payer_id) {
        Err(hms_db::Error::NotFound) => return Err(Refusal::Unknown("payer_id").into()),
        found => found?,
    };
    let coverage = Coverage {
        id: work.new_id(),
        patient_id: new.patient_id,
        payer_id: new.payer_id,
        member_number: new.member_number,
        terms: new.terms,
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        created_at: work.now,
    };
    store::coverages::insert(work.db, &coverage)?;
    work.audit(Act::new(Action::Create, "coverage").on(coverage.id).of_patient(coverage.patient_id))?;
    Ok(Reply::created(&coverage)?.at(format!("/api/v1/billing/coverages/{}", coverage.id)))
}
