//! Tells patients what happens to their appointments, and people how to get at their accounts: an event becomes a message in the transaction that takes it,
//! and the message is sent after that, until it has arrived or is given up.

mod api;
mod channel;
mod config;
mod domain;
mod events;
mod schema;
mod sender;
mod store;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_service::Context;
use tokio::sync::Notify;
use utoipa_actix_web::service_config::ServiceConfig;

use channel::MailFolder;
use config::MailSettings;
use sender::Sender;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/notification");

/// The notification service.
pub struct Service;

/// What the handlers share.
pub struct State {
    sender: Arc<Notify>,
    public_url: String,
}

impl hms_service::Service for Service {
    const NAME: &'static str = "notification";
    const ABOUT: &'static str = "Messages to patients, and what has become of them.";
    type State = State;

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        routes.service(api::notifications::list::list).service(api::notifications::get::get);
    }

    fn consumer(state: &Arc<State>) -> hms_bus::Consumer {
        events::consumer(&state.sender, &state.public_url)
    }

    async fn start(context: &Context) -> anyhow::Result<State> {
        let settings = MailSettings::read(&context.settings, &context.own.data_dir)?;
        let wake = Arc::new(Notify::new());
        let sender = Sender::new(context.clone(), MailFolder::new(settings), Arc::clone(&wake));
        context.tasks.spawn(|stop| sender.run(stop));
        Ok(State { sender: wake, public_url: hms_access::public_url(&context.settings)? })
    }
}
