//! `GET /auth/sessions`.

use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::id::SessionId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::open_sessions::{self, OpenSession};

list_filters! {
    /// What `GET /auth/sessions` can be filtered by.
    pub struct SessionFilters {
        created_at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["created_at"],
}

/// A session as its holder sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionView {
    /// Its id.
    id: SessionId,
    /// What the client called itself when it was last used (`User-Agent`).
    #[schema(examples("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"))]
    device: Option<String>,
    /// The network from which it was last used: 24 bits of an IPv4 address, 48 of an IPv6 one.
    #[schema(examples("203.0.113.0/24"))]
    network: Option<String>,
    /// When it began.
    created_at: DateTime<Utc>,
    /// When it was last used to sign in or to refresh.
    last_used_at: DateTime<Utc>,
    /// Whether it is the one of this request.
    current: bool,
}

impl SessionView {
    fn of(session: OpenSession, current: SessionId) -> Self {
        let OpenSession { id, device, network, created_at, last_used_at } = session;
        Self { id, device, network, created_at, last_used_at, current: id == current }
    }
}

/// Lists one's own open sessions.
#[utoipa::path(tag = "auth", operation_id = "list_sessions", params(List<SessionFilters>),
    responses((status = 200, body = Page<SessionView>), Problems), security(("bearer" = [])))]
#[get("/auth/sessions")]
pub async fn list(call: Call<scope::InPerson>, list: List<SessionFilters>) -> Result<Reply, Problem> {
    let (account, current) = (call.claims()?.sub, call.claims()?.sid);
    let now = call.context().clock.now();
    let page = call.read(move |db| {
        let (open, count) = open_sessions::list(db, account, &list, now)?;
        let open = open.into_iter().map(|session| SessionView::of(session, current)).collect();
        Ok(Page::new(&list, open, count, |session: &SessionView| session.id.uuid()))
    });
    Reply::ok(&page.await?)
}
