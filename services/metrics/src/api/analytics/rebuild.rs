//! `POST /analytics/rebuild`.

use actix_web::post;
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::job::AggregateMetrics;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use crate::aggregate::QUEUE;
use crate::store::rebuilds::{self, Rebuild};

/// Counts all days anew from the facts that are kept.
///
/// Done beside everything else, by whichever replica comes to it; `GET /analytics/rebuilds/{id}` tells how far it is. While
/// it runs answers are right, and slower. Where one is under way already, the answer is that one.
#[utoipa::path(tag = "analytics", operation_id = "rebuild_figures",
    responses((status = 202, body = Rebuild), Problems), security(("bearer" = ["operation:write"])))]
#[post("/analytics/rebuild")]
pub async fn rebuild(call: Call<scope::OperationWrite>) -> Result<Reply, Problem> {
    call.write(|work| {
        let id = work.new_id();
        if rebuilds::ask(work.db, id, work.now)? {
            work.audit(Act::new(Action::Create, "metrics_rebuild").on(id))?;
        }
        work.enqueue(QUEUE, &AggregateMetrics {})?;
        // The one that was in the way may be done by now.
        let open = rebuilds::open(work.db)?.ok_or(Code::Unavailable)?;
        Ok(Reply::accepted(&open)?.at(format!("/api/v1/analytics/rebuilds/{}", open.id)))
    })
    .await
}
