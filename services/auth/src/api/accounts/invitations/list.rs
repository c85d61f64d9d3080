//! `GET /accounts/invitations`.

use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::Email;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::invitation::{Invitation, InvitationStatus};
use crate::store::invitations;

list_filters! {
    /// What `GET /accounts/invitations` can be filtered by.
    pub struct InvitationFilters {
        status: InvitationStatus = Set,
        email: Email = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["created_at"],
}

/// Lists the invitations.
#[utoipa::path(
    tag = "accounts",
    operation_id = "list_invitations",
    params(List<InvitationFilters>),
    responses((status = 200, body = Page<Invitation>), Problems),
    security(("bearer" = ["account:write"]))
)]
#[get("/accounts/invitations")]
pub async fn list(call: Call<scope::AccountWrite>, list: List<InvitationFilters>) -> Result<Reply, Problem> {
    let page = call.read(move |db| {
        let (found, count) = invitations::list(db, &list)?;
        Ok(Page::new(&list, found, count, |invitation| invitation.id.uuid()))
    });
    Reply::ok(&page.await?)
}
