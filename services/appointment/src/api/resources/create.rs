//! `POST /resources`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use super::check;
use crate::domain::{Resource, ResourceDetails};
use crate::store;

/// Makes a room or a piece of equipment known, so that it can be booked.
#[utoipa::path(tag = "resources", operation_id = "create_resource", request_body = ResourceDetails,
    responses((status = 201, body = Resource), Problems), security(("bearer" = ["schedule:write"])))]
#[post("/resources")]
pub async fn create(call: Call<scope::ScheduleWrite>, body: Json<ResourceDetails>) -> Result<Reply, Problem> {
    let (reach, details) = (call.reach()?, body.into_inner());
    call.write(move |work| {
        check(work, &details, reach)?;
        let (created_at, updated_at) = (work.now, work.now);
        let made = Resource { id: work.new_id(), details, version: 1, created_at, updated_at };
        store::resources::insert(work.db, &made)?;
        work.audit(Act::new(Action::Create, "resource").on(made.id))?;
        Ok(Reply::created(&made)?.version(made.version).at(format!("/api/v1/resources/{}", made.id)))
    })
    .await
}
