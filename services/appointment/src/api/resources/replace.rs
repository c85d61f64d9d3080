//! `PUT /resources/{id}`.

use actix_web::{put, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::ResourceId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use super::check;
use crate::api::here;
use crate::domain::{Resource, ResourceDetails};
use crate::store;

/// Replaces what is known of a room or a piece of equipment. What is booked already stays as it is.
#[utoipa::path(tag = "resources", operation_id = "replace_resource",
    params(("id" = Uuid, Path, description = "The resource")), request_body = ResourceDetails,
    responses((status = 200, body = Resource), Problems), security(("bearer" = ["schedule:write"])))]
#[put("/resources/{id}")]
pub async fn replace(
    call: Call<scope::ScheduleWrite>,
    id: web::Path<ResourceId>,
    body: Json<ResourceDetails>,
) -> Result<Reply, Problem> {
    let (reach, id, details) = (call.reach()?, id.into_inner(), body.into_inner());
    call.write(move |work| {
        let before = store::resources::hold(work.db, id)?;
        here(reach, before.details.department_id)?;
        work.check_version(before.version)?;
        check(work, &details, reach)?;
        let next = Resource { details, version: before.version + 1, updated_at: work.now, ..before };
        if !store::resources::save(work.db, &next)? {
            return Err(Code::PreconditionFailed.into());
        }
        work.audit(Act::new(Action::Update, "resource").on(id))?;
        Ok(Reply::ok(&next)?.version(next.version))
    })
    .await
}
