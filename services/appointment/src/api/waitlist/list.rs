//! `GET /waitlist`.

use actix_web::{get, web};
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use crate::State;
use crate::api::sight;
use crate::domain::Entry;
use crate::store::waitlist::{self, WaitlistFilters};

/// Who waits, newest first: patients see their own, staff all.
#[utoipa::path(tag = "waitlist", operation_id = "list_waitlist", params(List<WaitlistFilters>),
    responses((status = 200, body = Page<Entry>), Problems), security(("bearer" = ["appointment:read"])))]
#[get("/waitlist")]
pub async fn list(
    call: Call<scope::AppointmentRead>,
    state: web::Data<State>,
    list: List<WaitlistFilters>,
) -> Result<Reply, Problem> {
    let (sight, now) = (sight(&call, &state)?, call.context().clock.now());
    let page = call.read(move |db| Ok(waitlist::list(db, &list, &sight, now)?)).await?;
    let patients = page.results.iter().map(|entry| entry.patient_id);
    call.disclose(Disclosure::list("waitlist_entry", patients)).await?;
    Reply::ok(&page)
}
