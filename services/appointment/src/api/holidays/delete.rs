//! `DELETE /holidays/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::HolidayId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use crate::api::here;
use crate::events;
use crate::store;

/// Takes a holiday away: the place is open as its schedules say.
#[utoipa::path(tag = "holidays", operation_id = "delete_holiday", params(("id" = Uuid, Path, description = "The holiday")),
    responses((status = 204), Problems), security(("bearer" = ["schedule:write"])))]
#[delete("/holidays/{id}")]
pub async fn delete(call: Call<scope::ScheduleWrite>, id: web::Path<HolidayId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    call.write(move |work| {
        let holiday = store::holidays::find(work.db, id)?;
        here(reach, holiday.details.department_id)?;
        // Somebody else may have taken it away in between.
        if !store::holidays::delete(work.db, id)? {
            return Err(Code::NotFound.into());
        }
        events::publish_holiday(work, &holiday, false)?;
        work.audit(Act::new(Action::Delete, "holiday").on(id))?;
        Ok(Reply::no_content())
    })
    .await
}
