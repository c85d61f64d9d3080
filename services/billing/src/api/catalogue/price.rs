//! `POST /billing/catalogue/{id}/prices`.

use actix_web::{post, web};
use chrono::NaiveDate;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::CatalogueItemId;
use hms_model::money::{Money, Rate};
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::of_the_whole;
use crate::books;
use crate::domain::{Item, Price, Refusal};
use crate::store;

/// A price from a day on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrice {
    /// The first day that it holds.
    valid_from: NaiveDate,
    /// The price of one, without tax.
    price: Money,
    /// The tax on it, in millionths.
    #[serde(default)]
    tax_rate: Rate,
}

impl NewPrice {
    /// The same, if it can be one.
    pub fn price(self) -> Result<Price, Refusal> {
        if self.price.amount < 0 {
            return Err(Refusal::Field("price", "must not be negative"));
        }
        Ok(Price { valid_from: self.valid_from, price: self.price, tax_rate: self.tax_rate })
    }
}

/// Adds a price. It begins on its day, and the one before ends; none is ever changed, so that each invoice can be
/// understood for ever. Where one begins on that day already: 409 `DUPLICATE`.
#[utoipa::path(tag = "catalogue", params(("id" = Uuid, Path, description = "The service")),
    operation_id = "add_price", request_body = NewPrice,
    responses((status = 200, body = Item), Problems), security(("bearer" = ["catalogue:write"])))]
#[post("/billing/catalogue/{id}/prices")]
pub async fn add(
    call: Call<scope::CatalogueWrite>,
    id: web::Path<CatalogueItemId>,
    body: Json<NewPrice>,
) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let (id, price) = (id.into_inner(), body.into_inner().price()?);
    call.write(move |work| {
        let item = store::catalogue::find(work.db, id)?;
        work.check_version(item.version)?;
        if !store::catalogue::add_price(work.db, id, &price, work.now)? {
            return Err(Problem::field(Code::Duplicate, "valid_from", "a price begins on that day already"));
        }
        let next = Item { version: item.version + 1, updated_at: work.now, ..item };
        books::written(store::catalogue::save(work.db, &next))?;
        work.audit(Act::new(Action::Update, "catalogue_item").on(id).detail("prices"))?;
        let item = store::catalogue::find(work.db, id)?;
        Ok(Reply::ok(&item)?.version(item.version))
    })
    .await
}
