//! The user service: patients (with or without an account), practitioners, departments and sites.

mod api;
mod config;
mod domain;
mod events;
mod records;
mod refolding;
mod schema;
mod store;
mod telling;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_service::{Context, Program};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::api::{break_glass, department, patient, practitioner};
use crate::records::Records;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/user");

/// The user service.
#[derive(Debug)]
pub struct Service;

/// What starts it: its own `main`, and `hms up`.
pub static PROGRAM: Program = Program::of::<Service>();

impl hms_service::Service for Service {
    const NAME: &'static str = "user";
    const ABOUT: &'static str = "Patients, practitioners, departments and sites.";
    type State = Records;

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        routes
            .service(patient::create::create)
            .service(patient::list::list)
            // Before the route that takes `me` for an id.
            .service(patient::me::me)
            .service(patient::get::get)
            .service(patient::put::put)
            .service(patient::patch::patch)
            .service(patient::delete::delete)
            .service(patient::break_glass::break_glass);
        routes.service(break_glass::list::list);
        routes
            .service(practitioner::create::create)
            .service(practitioner::list::list)
            .service(practitioner::get::get)
            .service(practitioner::put::put)
            .service(practitioner::patch::patch)
            .service(practitioner::delete::delete);
        routes
            .service(department::create::create)
            .service(department::list::list)
            .service(department::get::get)
            .service(department::put::put)
            .service(department::patch::patch)
            .service(department::delete::delete);
    }

    fn consumer(_: &Arc<Records>) -> hms_bus::Consumer {
        events::consumer()
    }

    async fn start(context: &Context) -> anyhow::Result<Records> {
        let database = context.database.giving_way();
        context.tasks.spawn(|stop| refolding::run(database, stop));
        context.tasks.spawn(|stop| telling::run(context.giving_way(), stop));
        Records::start(context)
    }
}
