//! `GET /billing/invoices/{id}/pdf`.

use actix_web::web::{self, Query};
use actix_web::{HttpResponse, get};
use hms_api::Problems;
use hms_model::Language;
use hms_model::id::InvoiceId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure};
use serde::Deserialize;
use utoipa::IntoParams;

use super::shows;
use crate::State;
use crate::domain::Refusal;
use crate::domain::paper::Paper;
use crate::{pdf as layout, store};

/// How the PDF is written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `en` (unless it is said), `de`, `es` or `fr`: the language of words, numbers and dates.
    #[param(inline)]
    language: Option<Language>,
}

/// An invoice that was issued, or a credit note, as PDF in the language that is asked for.
#[utoipa::path(tag = "invoices", params(("id" = Uuid, Path, description = "The invoice"), Asked),
    operation_id = "get_invoice_pdf",
    responses((status = 200, body = String, content_type = "application/pdf", description = "The PDF"), Problems),
    security(("bearer" = ["invoice:read"])))]
#[get("/billing/invoices/{id}/pdf")]
pub async fn pdf(
    call: Call<scope::InvoiceRead>,
    state: web::Data<State>,
    id: web::Path<InvoiceId>,
    query: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let asked = query.map_err(|error| Problem::new(Code::InvalidRequest).message(error.to_string()))?;
    let read = move |db: &mut hms_db::Db| {
        let invoice = store::invoices::find(db, id)?;
        let name = store::directory::patient_name(db, invoice.patient_id)?.unwrap_or_default();
        Ok((invoice, name))
    };
    let (invoice, name) = call.read(read).await?;
    if !shows(reach, &invoice) {
        return Err(Code::NotFound.into());
    }
    let number = invoice.number.as_deref().ok_or(Refusal::Illegal(invoice.status))?;
    call.disclose(Disclosure::one("invoice", id, invoice.patient_id)).await?;
    let language = asked.language.unwrap_or(Language::En);
    let paper = Paper::of(&invoice, state.config.organisation.as_str(), &name, language);
    let place = format!("inline; filename=\"{number}.pdf\"");
    let mut answer = HttpResponse::Ok();
    Ok(answer
        .content_type("application/pdf")
        .insert_header(("Content-Disposition", place))
        .insert_header(("Content-Language", language.to_string()))
        .body(layout::of(&paper)))
}
