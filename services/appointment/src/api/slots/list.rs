//! `GET /slots`.

use actix_web::get;
use hms_api::{Page, Problems};
use hms_model::role::{Reach, scope};
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::query::{SlotParams, SlotQuery};
use super::search::{Slot, search, window};

/// Free slots, the earliest first, by cursor.
///
/// They follow from the schedules, the holidays and what is taken; nothing is stored. What patients see keeps the notice of
/// the schedule. A schedule that is for some types only has slots when one of these is asked for.
#[utoipa::path(tag = "slots", operation_id = "list_slots", params(SlotParams),
    responses((status = 200, body = Page<Slot>), Problems), security(("bearer" = ["schedule:read"])))]
#[get("/slots")]
pub async fn list(call: Call<scope::ScheduleRead>, query: SlotQuery) -> Result<Reply, Problem> {
    let now = call.context().clock.now();
    let bound = matches!(call.reach()?, Reach::Own { .. });
    let window = window(&query, now)?;
    let (size, others, first) = (query.size, query.others.clone(), query.first);
    let mut results = match window {
        Some(window) => call.read(move |db| search(db, &query, window, bound, now)).await?,
        None => Vec::new(),
    };
    let more = results.len() > size;
    results.truncate(size);
    let cursor = results.last().filter(|_| more && !first).map(|slot| slot.cursor().text());
    let next = cursor.map(|cursor| {
        let query = if others.is_empty() { String::new() } else { format!("{others}&") };
        format!("/api/v1/slots?{query}cursor={cursor}")
    });
    Reply::ok(&Page { count: None, next, previous: None, results })
}
