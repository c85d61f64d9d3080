//! The figures of the hospital's days: how many appointments there were and what became of them, how long people waited,
//! how much of the practitioners' time was booked, what came in. All of it follows from events; a figure is never older
//! than the events that were taken before it was asked for, and no event counts twice.

mod aggregate;
mod api;
mod config;
mod domain;
mod events;
mod schema;
mod store;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_bus::Consumer;
use hms_service::{Context, Program};
use utoipa_actix_web::service_config::ServiceConfig;

use aggregate::Aggregation;
use config::Config;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/metrics");

/// The metrics service.
pub struct Service;

/// What starts it: its own `main`, and `hms up`.
pub static PROGRAM: Program = Program::of::<Service>();

/// What the handlers share.
pub struct State {
    config: Config,
    counting: Aggregation,
}

impl hms_service::Service for Service {
    const NAME: &'static str = "metrics";
    const ABOUT: &'static str =
        "Figures of the hospital's days: appointments, waiting, utilisation, patients, revenue.";
    type State = State;

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        use api::analytics;
        routes
            .service(analytics::daily::daily)
            .service(analytics::weekly::weekly)
            .service(analytics::dashboard::dashboard)
            .service(analytics::rebuild::rebuild)
            .service(analytics::rebuilds::get);
    }

    fn consumer(state: &Arc<State>) -> Consumer {
        state.counting.consume(events::consumer(state.config.zone))
    }

    async fn start(context: &Context) -> anyhow::Result<State> {
        let config = Config::read(&context.settings)?;
        let counting = Aggregation::new(&context.giving_way(), config);
        context.tasks.spawn(|stop| counting.clone().schedule(stop));
        Ok(State { config, counting })
    }
}
