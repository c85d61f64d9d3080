//! `PATCH /billing/catalogue/{id}`.

use actix_web::{patch, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::CatalogueItemId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::of_the_whole;
use crate::books;
use crate::domain::{Description, Item};
use crate::store;

/// What a client sends to change a service: what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemChange {
    /// Its name.
    name: Option<Description>,
    /// Whether it is offered.
    active: Option<bool>,
}

/// Changes the name of a service, or whether it is offered.
#[utoipa::path(tag = "catalogue", params(("id" = Uuid, Path, description = "The service")),
    operation_id = "update_service", request_body = ItemChange,
    responses((status = 200, body = Item), Problems), security(("bearer" = ["catalogue:write"])))]
#[patch("/billing/catalogue/{id}")]
pub async fn update(
    call: Call<scope::CatalogueWrite>,
    id: web::Path<CatalogueItemId>,
    body: Json<ItemChange>,
) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let (id, change) = (id.into_inner(), body.into_inner());
    call.write(move |work| {
        let item = store::catalogue::find(work.db, id)?;
        work.check_version(item.version)?;
        let next = Item {
            name: change.name.unwrap_or(item.name),
            active: change.active.unwrap_or(item.active),
            version: item.version + 1,
            updated_at: work.now,
            ..item
        };
        books::written(store::catalogue::save(work.db, &next))?;
        work.audit(Act::new(Action::Update, "catalogue_item").on(id))?;
        Ok(Reply::ok(&next)?.version(next.version))
    })
    .await
}
