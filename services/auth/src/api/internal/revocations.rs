//! `GET /internal/revocations`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::SessionId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::store::revocation_feed;

/// From where on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct After {
    /// The `position` of the last answer; all that is still of meaning when it is left out.
    after: Option<i64>,
}

/// A part of the list.
#[derive(Serialize, ToSchema)]
pub struct RevocationFeed {
    /// What to ask `after` next time.
    position: i64,
    /// What was revoked, in the order in which it was.
    revoked: Vec<Revoked>,
    /// Whether there is nothing more at present.
    complete: bool,
}

/// One entry.
#[derive(Serialize, ToSchema)]
pub struct Revoked {
    /// The `sid` of the tokens that are no longer good.
    sid: SessionId,
    /// From when on all of them have expired by themselves, in seconds since 1970.
    until: i64,
}

/// Tells which tokens are no longer good although they have not expired.
#[utoipa::path(tag = "internal", operation_id = "list_revocations", params(After),
    responses((status = 200, body = RevocationFeed), Problems), security(("bearer" = [])))]
#[get("/internal/revocations")]
pub async fn revocations(call: Call<scope::Internal>, after: web::Query<After>) -> Result<Reply, Problem> {
    let (after, now) = (after.into_inner().after, call.context().clock.now());
    let feed = call.read(move |db| Ok(revocation_feed::after(db, after, now)?)).await?;
    let revoked = feed.revoked.into_iter().map(|(sid, until)| Revoked { sid, until: until.timestamp() });
    Reply::ok(&RevocationFeed {
        position: feed.position,
        revoked: revoked.collect(),
        complete: feed.complete,
    })
}
