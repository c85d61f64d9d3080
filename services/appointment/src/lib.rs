//! Appointments: who sees whom at what time. The one promise: no practitioner is booked twice for a moment.

mod api;
mod domain;
mod events;
mod schema;
mod store;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_bus::Consumer;
use hms_service::Context;
use utoipa_actix_web::service_config::ServiceConfig;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/appointment");

/// The appointment service.
pub struct Service;

impl hms_service::Service for Service {
    const NAME: &'static str = "appointment";
    const ABOUT: &'static str =
        "Appointments of patients with practitioners: booked, moved, cancelled, fulfilled.";
    type State = ();

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        use api::appointments::*;
        routes
            .service(create::create)
            .service(list::list)
            .service(get::get)
            .service(update::update)
            .service(delete::delete)
            .service(cancel::cancel)
            .service(arrive::arrive)
            .service(fulfil::fulfil)
            .service(noshow::noshow);
    }

    fn consumer(_: &Arc<()>) -> Consumer {
        events::consumer()
    }

    async fn start(_: &Context) -> anyhow::Result<()> {
        Ok(())
    }
}
