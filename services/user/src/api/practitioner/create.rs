use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::event::PractitionerCreated;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use super::PractitionerView;
use crate::domain::{Practitioner, PractitionerDetails};
use crate::events::practitioner_facts;
use crate::store;

/// Registers a practitioner.
#[utoipa::path(
    tag = "practitioners", operation_id = "create_practitioner", request_body = PractitionerDetails,
    responses((status = 201, body = PractitionerView), Problems), security(("bearer" = ["practitioner:write"])),
)]
#[post("/practitioners")]
pub async fn create(
    call: Call<scope::PractitionerWrite>,
    body: Json<PractitionerDetails>,
) -> Result<Reply, Problem> {
    let details = body.into_inner();
    call.write(move |work| {
        let practitioner = Practitioner::register(details, work.new_id(), work.now)?;
        store::practitioner::insert(work.db, &practitioner)?;
        work.publish(&PractitionerCreated(practitioner_facts(&practitioner)))?;
        work.audit(Act::new(Action::Create, "practitioner").on(practitioner.id))?;
        let (version, path) = (practitioner.version, format!("/api/v1/practitioners/{}", practitioner.id));
        Ok(Reply::created(&PractitionerView::from(practitioner))?.version(version).at(path))
    })
    .await
}
