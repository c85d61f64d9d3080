//! Keeps who did what, to whose record, when and from where: every act that a service reports becomes an entry of a
//! chain, in which nothing can be changed, taken out or put in unseen.

mod api;
mod config;
mod domain;
mod events;
mod inspection;
mod keeper;
mod schema;
mod signer;
mod store;
pub mod verify;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_model::role::RecordAccess;
use hms_service::{Context, Program};
use utoipa_actix_web::service_config::ServiceConfig;

pub use domain::chain;

use api::audit;
use config::Config;
use inspection::Inspection;
use keeper::Keeper;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/audit");

/// The audit service.
pub struct Service;

/// What starts it: its own `main`, and `hms up`.
pub static PROGRAM: Program = Program::of::<Service>();

/// What the handlers share.
pub struct State {
    access: RecordAccess,
}

impl hms_service::Service for Service {
    const NAME: &'static str = "audit";
    const ABOUT: &'static str = "Who did what, to whose record, when and from where.";
    type State = State;

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        routes
            .service(audit::list::list)
            .service(audit::export::export)
            .service(audit::keys::keys)
            .service(audit::keys::rotate::rotate)
            .service(audit::get::get);
    }

    fn consumer(_: &Arc<State>) -> hms_bus::Consumer {
        events::consumer()
    }

    async fn start(context: &Context) -> anyhow::Result<State> {
        let config = Config::read(&context.settings)?;
        signer::ensure(context).await?;
        let keeper = Keeper::new(context.giving_way(), config.retention);
        context.tasks.spawn(|stop| keeper.run(stop));
        let inspection = Inspection::new(context.giving_way())?;
        context.tasks.spawn(|stop| inspection.run(stop));
        Ok(State { access: config.access })
    }
}
