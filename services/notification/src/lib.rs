//! Tells patients what happens to their appointments, and people how to get at their accounts: an event becomes a message in the transaction that takes it,
//! and the message is sent after that, until it has arrived or is given up.

mod api;
mod channel;
mod domain;
mod events;
mod guard;
mod schema;
mod sender;
mod store;
mod traces;
mod webhooks;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_service::Context;
use tokio::sync::Notify;
use utoipa_actix_web::service_config::ServiceConfig;

use channel::Channels;
use sender::Sender;
use webhooks::Webhooks;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/notification");

/// The notification service.
pub struct Service;

/// What the handlers share.
pub struct State {
    channels: Arc<Channels>,
    sender: Arc<Notify>,
    public_url: String,
    webhooks: Webhooks,
}

impl hms_service::Service for Service {
    const NAME: &'static str = "notification";
    const ABOUT: &'static str = "Messages to patients, and what has become of them.";
    type State = State;

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        use api::{notifications, webhooks};
        routes
            .service(notifications::list::list)
            .service(notifications::push_key::push_key)
            .service(notifications::get::get)
            .service(webhooks::list::list)
            .service(webhooks::create::create)
            .service(webhooks::get::get)
            .service(webhooks::update::update)
            .service(webhooks::delete::delete)
            .service(webhooks::rotate::rotate)
            .service(webhooks::test::test)
            .service(webhooks::redeliver::redeliver)
            .service(webhooks::deliveries::list::list)
            .service(webhooks::deliveries::get::get)
            .service(webhooks::deliveries::redeliver::redeliver);
    }

    fn consumer(state: &Arc<State>) -> hms_bus::Consumer {
        state.webhooks.follow(events::consumer(&state.sender, &state.public_url))
    }

    async fn start(context: &Context) -> anyhow::Result<State> {
        let wake = Arc::new(Notify::new());
        let channels = Arc::new(Channels::open(context)?);
        let sender = Sender::new(context.clone(), Arc::clone(&channels), Arc::clone(&wake));
        context.tasks.spawn(|stop| sender.run(stop));
        let (public_url, webhooks) = (hms_access::public_url(&context.settings)?, Webhooks::start(context)?);
        Ok(State { channels, sender: wake, public_url, webhooks })
    }
}
