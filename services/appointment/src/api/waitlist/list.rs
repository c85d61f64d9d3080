//! `GET /waitlist`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use crate::domain::Entry;
use crate::store::waitlist::{self, WaitlistFilters};

/// Who waits, newest first: patients see their own, staff all.
#[utoipa::path(tag = "waitlist", operation_id = "list_waitlist", params(List<WaitlistFilters>),
    responses((status = 200, body = Page<Entry>), Problems), security(("bearer" = ["appointment:read"])))]
#[get("/waitlist")]
pub async fn list(call: Call<scope::AppointmentRead>, list: List<WaitlistFilters>) -> Result<Reply, Problem> {
    let reach = call.reach()?;
    let page = call.read(move |db| Ok(waitlist::list(db, &list, reach)?)).await?;
    let patients = page.results.iter().map(|entry| entry.patient_id);
    call.disclose(Disclosure::list("waitlist_entry", patients)).await?;
    Reply::ok(&page)
}
