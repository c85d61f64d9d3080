//! `POST /accounting/entries/{id}/reverse`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::LedgerEntryId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::of_the_whole;
use crate::books;
use crate::domain::{Description, Entry, EntryKind, Refusal};
use crate::store;

/// Why an entry is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReversal {
    /// What the reversal says.
    memo: Description,
}

/// Takes an entry back that was written by hand, by another one of today. The others follow from invoices and payments,
/// and are corrected there.
#[utoipa::path(tag = "ledger", params(("id" = Uuid, Path, description = "The entry")),
    operation_id = "reverse_entry", request_body = NewReversal,
    responses((status = 201, body = Entry, description = "The reversal"), Problems),
    security(("bearer" = ["ledger:write"])))]
#[post("/accounting/entries/{id}/reverse")]
pub async fn reverse(
    call: Call<scope::LedgerWrite>,
    id: web::Path<LedgerEntryId>,
    body: Json<NewReversal>,
) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let (id, memo) = (id.into_inner(), body.into_inner().memo);
    call.write(move |work| {
        let entry = store::ledger::find(work.db, id)?;
        if entry.kind != EntryKind::Manual || store::ledger::is_reversed(work.db, id)? {
            return Err(Refusal::Reversed.into());
        }
        let reversal = entry.reversal(work.new_id(), EntryKind::Reversal, memo, work.now)?;
        books::post(work, Some(reversal.clone())).map_err(|problem| match problem.code() {
            Code::Duplicate => Refusal::Reversed.into(),
            _ => problem,
        })?;
        work.audit(Act::new(Action::Create, "ledger_entry").on(reversal.id).detail("reversal"))?;
        Ok(Reply::created(&reversal)?.at(format!("/api/v1/accounting/entries/{}", reversal.id)))
    })
    .await
}
