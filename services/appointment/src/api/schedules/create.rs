//! `POST /schedules`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use super::check;
use crate::domain::{Schedule, ScheduleDetails};
use crate::events;
use crate::store;

/// Makes a schedule. From then on its practitioner is booked only when one of their schedules is open.
#[utoipa::path(tag = "schedules", operation_id = "create_schedule", request_body = ScheduleDetails,
    responses((status = 201, body = Schedule), Problems), security(("bearer" = ["schedule:write"])))]
#[post("/schedules")]
pub async fn create(call: Call<scope::ScheduleWrite>, body: Json<ScheduleDetails>) -> Result<Reply, Problem> {
    let (reach, details) = (call.reach()?, body.into_inner());
    call.write(move |work| {
        check(work, &details, reach)?;
        let (created_at, updated_at) = (work.now, work.now);
        let made = Schedule { id: work.new_id(), details, version: 1, created_at, updated_at };
        store::schedules::insert(work.db, &made)?;
        events::publish_schedule(work, &made)?;
        work.audit(Act::new(Action::Create, "schedule").on(made.id))?;
        Ok(Reply::created(&made)?.version(made.version).at(format!("/api/v1/schedules/{}", made.id)))
    })
    .await
}
