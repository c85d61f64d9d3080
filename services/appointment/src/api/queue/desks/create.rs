//! `POST /queue/desks`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::DepartmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::queue::{here, known};
use crate::domain::{Desk, DeskName};
use crate::store;

/// What a client sends to open a desk.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDesk {
    /// Where.
    department_id: DepartmentId,
    /// What stands above it; once in a department.
    name: DeskName,
}

/// Opens a desk that people of the queue are called to.
#[utoipa::path(tag = "queue", operation_id = "create_desk", request_body = NewDesk,
    responses((status = 201, body = Desk), Problems), security(("bearer" = ["schedule:write"])))]
#[post("/queue/desks")]
pub async fn create(call: Call<scope::ScheduleWrite>, body: Json<NewDesk>) -> Result<Reply, Problem> {
    let (reach, new) = (call.reach()?, body.into_inner());
    call.write(move |work| {
        here(reach, new.department_id)?;
        known(work, new.department_id)?;
        let desk = Desk {
            id: work.new_id(),
            department_id: new.department_id,
            name: new.name,
            created_at: work.now,
        };
        store::queue::open_desk(work.db, &desk)?;
        work.audit(Act::new(Action::Create, "desk").on(desk.id))?;
        Reply::created(&desk)
    })
    .await
}
