//! `PUT /schedules/{id}`.

use actix_web::{put, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::ScheduleId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use super::check;
use crate::api::here;
use crate::domain::{Schedule, ScheduleDetails};
use crate::events;
use crate::store;

/// Replaces a schedule. What is booked already stays as it is; a schedule that is not `active` offers nothing.
#[utoipa::path(tag = "schedules", operation_id = "replace_schedule",
    params(("id" = Uuid, Path, description = "The schedule")), request_body = ScheduleDetails,
    responses((status = 200, body = Schedule), Problems), security(("bearer" = ["schedule:write"])))]
#[put("/schedules/{id}")]
pub async fn replace(
    call: Call<scope::ScheduleWrite>,
    id: web::Path<ScheduleId>,
    body: Json<ScheduleDetails>,
) -> Result<Reply, Problem> {
    let (reach, id, details) = (call.reach()?, id.into_inner(), body.into_inner());
    call.write(move |work| {
        let before = store::schedules::hold(work.db, id)?;
        here(reach, before.details.department_id)?;
        work.check_version(before.version)?;
        check(work, &details, reach)?;
        let next = Schedule { details, version: before.version + 1, updated_at: work.now, ..before };
        if !store::schedules::save(work.db, &next)? {
            return Err(Code::PreconditionFailed.into());
        }
        events::publish_schedule(work, &next)?;
        work.audit(Act::new(Action::Update, "schedule").on(id))?;
        Ok(Reply::ok(&next)?.version(next.version))
    })
    .await
}
