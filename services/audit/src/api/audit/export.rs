//! `GET /audit/export`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream};
use hms_api::Problems;
use hms_db::Database;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::IntoParams;

use super::sight;
use crate::State;
use crate::domain::chain::Record;
use crate::domain::{AUDIT, Refusal};
use crate::store::walk::{self, Span, Walk, WalkError};

/// Which entries to export; all of them where nothing is said.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportRange {
    /// From this time on.
    #[serde(rename = "at__gte")]
    from: Option<DateTime<Utc>>,
    /// Before this time.
    #[serde(rename = "at__lt")]
    until: Option<DateTime<Utc>>,
}

/// Exports the chain as lines of JSON that can be checked with the public key alone (`hms audit verify --file`).
///
/// A span of time gives the shortest unbroken part of the chain that holds all its entries, up to the checkpoint
/// that signs it. The line `end` comes last: an export without it is not whole. Where records are the care team's, it is
/// not for those who treat.
#[utoipa::path(tag = "audit", params(ExportRange),
    responses((status = 200, body = String, content_type = "application/x-ndjson"), Problems),
    security(("bearer" = ["audit:read"])))]
#[get("/audit/export")]
pub async fn export(
    call: Call<scope::AuditRead>,
    state: web::Data<State>,
    range: ExportRange,
) -> Result<HttpResponse, Problem> {
    let sight = sight(&call, &state)?;
    if sight.is_held_to_care() {
        return Err(Refusal::TooWide.into());
    }
    let act = Act::new(Action::Read, AUDIT).detail(range.to_string());
    call.write_unkeyed(move |work| {
        work.audit(act)?;
        Ok(Reply::no_content())
    })
    .await?;
    let (beginning, walk) = call.read(move |db| Ok(walk::export(db, range.span())?)).await?;
    let lines = lines(call.context().database.clone(), beginning, walk);
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header(("content-disposition", "attachment; filename=\"audit.ndjson\""))
        .streaming(lines))
}

/// The lines, some at a time: the next are read when the client has taken these.
fn lines(
    database: Database,
    beginning: Vec<Record>,
    walk: Walk,
) -> impl Stream<Item = Result<Bytes, ExportError>> {
    stream::try_unfold((Some(beginning), walk), move |(beginning, mut walk)| {
        let database = database.clone();
        async move {
            if let Some(records) = beginning {
                return Ok(Some((text(&records)?, (None, walk))));
            }
            let next = database.read(move |db| walk.next(db).map(|records| (records, walk))).await;
            let (records, walk) = next.inspect_err(|error| {
                // The head of the answer is long gone: the client sees that it breaks off.
                tracing::error!(%error, "an export of the audit breaks off");
            })?;
            records.map(|records| Ok((text(&records)?, (None, walk)))).transpose()
        }
    })
}

fn text(records: &[Record]) -> Result<Bytes, ExportError> {
    let mut text = String::new();
    for record in records {
        text.push_str(&record.line()?);
    }
    Ok(text.into())
}

/// Why an export breaks off.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Walk(#[from] WalkError),
    #[error("a record cannot be written")]
    Unwritable(#[from] serde_json::Error),
}

impl actix_web::ResponseError for ExportError {}

impl ExportRange {
    fn span(self) -> Option<Span> {
        let Self { from, until } = self;
        (from.is_some() || until.is_some()).then_some(Span { from, until })
    }
}

/// As the audit notes it.
impl std::fmt::Display for ExportRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("export")?;
        if let Some(from) = self.from {
            write!(f, ", from {}", from.to_rfc3339())?;
        }
        if let Some(until) = self.until {
            write!(f, ", until {}", until.to_rfc3339())?;
        }
        Ok(())
    }
}

impl FromRequest for ExportRange {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let range = web::Query::<Self>::from_query(request.query_string());
        let refused = |error: actix_web::error::QueryPayloadError| {
            Problem::new(Code::InvalidRequest).message(format!("The query cannot be read: {error}"))
        };
        ready(range.map(web::Query::into_inner).map_err(refused))
    }
}
