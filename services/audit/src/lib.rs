//! Keeps who did what, to whose record, when and from where: every act that a service reports becomes an entry
//! that is never changed again.

mod api;
mod domain;
mod events;
mod schema;
mod store;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use utoipa_actix_web::service_config::ServiceConfig;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/audit");

/// The audit service.
pub struct Service;

impl hms_service::Service for Service {
    const NAME: &'static str = "audit";
    const ABOUT: &'static str = "Who did what, to whose record, when and from where.";
    type State = ();

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        routes.service(api::audit::list::list).service(api::audit::get::get);
    }

    fn consumer(_: &Arc<()>) -> hms_bus::Consumer {
        events::consumer()
    }

    async fn start(_: &hms_service::Context) -> anyhow::Result<()> {
        Ok(())
    }
}
