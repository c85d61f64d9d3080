//! `PUT /appointment-types/{id}`.

use actix_web::{put, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::AppointmentTypeId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use super::check;
use crate::api::here;
use crate::domain::{AppointmentType, AppointmentTypeDetails};
use crate::store;

/// Replaces an appointment type. What is booked already stays as it is.
#[utoipa::path(tag = "appointment-types", operation_id = "replace_appointment_type",
    params(("id" = Uuid, Path, description = "The appointment type")), request_body = AppointmentTypeDetails,
    responses((status = 200, body = AppointmentType), Problems), security(("bearer" = ["schedule:write"])))]
#[put("/appointment-types/{id}")]
pub async fn replace(
    call: Call<scope::ScheduleWrite>,
    id: web::Path<AppointmentTypeId>,
    body: Json<AppointmentTypeDetails>,
) -> Result<Reply, Problem> {
    let (reach, id, details) = (call.reach()?, id.into_inner(), body.into_inner());
    call.write(move |work| {
        here(reach, None)?;
        let before = store::types::hold(work.db, id)?;
        work.check_version(before.version)?;
        check(work, &details)?;
        let next = AppointmentType { details, version: before.version + 1, updated_at: work.now, ..before };
        if !store::types::save(work.db, &next)? {
            return Err(Code::PreconditionFailed.into());
        }
        work.audit(Act::new(Action::Update, "appointment_type").on(id))?;
        Ok(Reply::ok(&next)?.version(next.version))
    })
    .await
}
