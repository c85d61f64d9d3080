//! Appointments: who sees whom at what time. The one promise: no practitioner is booked twice for a moment.

mod api;
mod config;
mod domain;
mod events;
mod feed;
mod ics;
mod offering;
mod schema;
mod store;
mod upkeep;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_bus::Consumer;
use hms_service::{Context, Program};
use tokio::sync::Notify;
use utoipa_actix_web::service_config::ServiceConfig;

use config::Config;
use feed::Feed;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/appointment");

/// The appointment service.
pub struct Service;

/// What starts it: its own `main`, and `hms up`.
pub static PROGRAM: Program = Program::of::<Service>();

/// What the handlers share.
pub struct State {
    config: Config,
    feed: Arc<Feed>,
    /// Wakes the task that offers times that became free.
    offering: Arc<Notify>,
}

impl hms_service::Service for Service {
    const NAME: &'static str = "appointment";
    const ABOUT: &'static str =
        "Appointments of patients with practitioners: booked, moved, cancelled, fulfilled.";
    type State = State;

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
            .service(holidays::delete::delete)
            .service(waitlist::create::create)
            .service(waitlist::list::list)
            .service(waitlist::get::get)
            .service(waitlist::withdraw::withdraw)
            .service(waitlist::accept::accept)
            .service(waitlist::decline::decline)
            .service(queue::check_in::check_in)
            .service(queue::current::current)
            .service(queue::stream::stream)
            .service(queue::by_hand::by_hand)
            .service(queue::desks::create::create)
            .service(queue::desks::list::list)
            .service(queue::desks::delete::delete)
            .service(queue::desks::next::next)
            .service(queue::status::status)
            .service(practitioners::calendar::calendar);
    }

    fn consumer(state: &Arc<State>) -> Consumer {
        events::consumer(&state.offering)
    }

    async fn start(context: &Context) -> anyhow::Result<State> {
        let config = Config::read(&context.settings)?;
        let feed = Arc::new(Feed::new(context.database.clone(), context.tasks.closing()));
        let offering = Arc::new(Notify::new());
        context.tasks.spawn(|stop| upkeep::run(context.giving_way(), stop));
        context.tasks.spawn(|stop| Arc::clone(&feed).run(stop));
        let offers = offering::Offering::new(context.giving_way(), Arc::clone(&offering), config.offer_for);
        context.tasks.spawn(|stop| offers.run(stop));
        Ok(State { config, feed, offering })
    }
}
