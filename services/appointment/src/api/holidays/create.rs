//! `POST /holidays`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use crate::api::here;
use crate::domain::{Holiday, HolidayDetails, Reference, Refusal};
use crate::events;
use crate::store;

/// Closes a place, or all of them, for a day. What is booked already stays as it is.
#[utoipa::path(tag = "holidays", operation_id = "create_holiday", request_body = HolidayDetails,
    responses((status = 201, body = Holiday), Problems), security(("bearer" = ["schedule:write"])))]
#[post("/holidays")]
pub async fn create(call: Call<scope::ScheduleWrite>, body: Json<HolidayDetails>) -> Result<Reply, Problem> {
    let (reach, details) = (call.reach()?, body.into_inner());
    call.write(move |work| {
        here(reach, details.department_id)?;
        if let Some(department) = details.department_id
            && !store::schedules::knows_department(work.db, department)?
        {
            return Err(Refusal::Unknown(Reference::Department).into());
        }
        let made = Holiday { id: work.new_id(), details, created_at: work.now };
        store::holidays::insert(work.db, &made)?;
        events::publish_holiday(work, &made, true)?;
        work.audit(Act::new(Action::Create, "holiday").on(made.id))?;
        Reply::created(&made)
    })
    .await
}
