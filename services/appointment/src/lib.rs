//! Appointments: who sees whom at what time. The one promise: no practitioner is booked twice for a moment.

mod api;
mod domain;
mod events;
mod schema;
mod store;
mod upkeep;

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
        use api::*;
        routes
            .service(appointments::create::create)
            .service(appointments::list::list)
            .service(appointments::series::series)
            .service(appointments::get::get)
            .service(appointments::update::update)
            .service(appointments::delete::delete)
            .service(appointments::cancel::cancel)
            .service(appointments::arrive::arrive)
            .service(appointments::fulfil::fulfil)
            .service(appointments::noshow::noshow)
            .service(slots::list::list)
            .service(slots::hold::hold)
            .service(slots::release::release)
            .service(schedules::create::create)
            .service(schedules::list::list)
            .service(schedules::get::get)
            .service(schedules::replace::replace)
            .service(appointment_types::create::create)
            .service(appointment_types::list::list)
            .service(appointment_types::get::get)
            .service(appointment_types::replace::replace)
            .service(resources::create::create)
            .service(resources::list::list)
            .service(resources::get::get)
            .service(resources::replace::replace)
            .service(holidays::create::create)
            .service(holidays::list::list)
            .service(holidays::delete::delete);
    }

    fn consumer(_: &Arc<()>) -> Consumer {
        events::consumer()
    }

    async fn start(context: &Context) -> anyhow::Result<()> {
        context.tasks.spawn(|stop| upkeep::run(context.clone(), stop));
        Ok(())
    }
}
