//! `POST /billing/catalogue`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::price::NewPrice;
use crate::api::of_the_whole;
use crate::domain::{Description, Item, Refusal, ServiceCode};
use crate::store;

/// What a client sends to add a service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewItem {
    /// Its short name, which no other has: it never changes.
    code: ServiceCode,
    /// Its name.
    name: Description,
    /// Its first prices.
    #[serde(default)]
    prices: Vec<NewPrice>,
}

/// Adds a service to the catalogue.
#[utoipa::path(tag = "catalogue", request_body = NewItem, operation_id = "create_service",
    responses((status = 201, body = Item), Problems), security(("bearer" = ["catalogue:write"])))]
#[post("/billing/catalogue")]
pub async fn create(call: Call<scope::CatalogueWrite>, body: Json<NewItem>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let new = body.into_inner();
    call.write(move |work| make(work, new)).await
}

fn make(work: &mut Work<'_>, new: NewItem) -> Result<Reply, Problem> {
    if let Some(there) = store::catalogue::by_code(work.db, new.code.as_str())? {
        return Err(Problem::new(Code::Duplicate).detail("id", there.id.to_string()));
    }
    let item = Item {
        id: work.new_id(),
        code: new.code,
        name: new.name,
        active: true,
        prices: Vec::new(),
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    store::catalogue::insert(work.db, &item)?;
    for price in new.prices {
        if !store::catalogue::add_price(work.db, item.id, &price.price()?, work.now)? {
            return Err(Refusal::Field("prices", "two begin on one day").into());
        }
    }
    work.audit(Act::new(Action::Create, "catalogue_item").on(item.id))?;
    let item = store::catalogue::find(work.db, item.id)?;
    let place = format!("/api/v1/billing/catalogue/{}", item.id);
    Ok(Reply::created(&item)?.version(item.version).at(place))
}
