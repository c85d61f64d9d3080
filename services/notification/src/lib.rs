//! Tells patients what happens to their appointments, and people how to get at their accounts: an event becomes a message in the transaction that takes it,
//! and the message is sent after that, until it has arrived or is given up.

mod api;
mod bells;
mod channel;
mod device_seal;
mod domain;
mod drafting;
mod events;
mod guard;
mod house;
mod reminding;
mod renewing;
mod schema;
mod sender;
mod store;
mod traces;
mod webhooks;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_model::role::RecordAccess;
use hms_service::{Context, Program};
use utoipa_actix_web::service_config::ServiceConfig;

use bells::Bells;
use channel::Channels;
use device_seal::DeviceSeal;
use house::House;
use sender::Sender;
use webhooks::Webhooks;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/notification");

/// The notification service.
pub struct Service;

/// What starts it: its own `main`, and `hms up`.
pub static PROGRAM: Program = Program::of::<Service>();

/// What all need who write messages; clones are the same.
#[derive(Clone)]
struct Desk {
    house: Arc<House>,
    bells: Bells,
    /// Opens and seals where push messages go.
    devices: Arc<DeviceSeal>,
    /// Where the links in mails lead.
    public_url: Arc<str>,
}

/// What the handlers share.
pub struct State {
    channels: Arc<Channels>,
    desk: Desk,
    sender: Sender,
    webhooks: Webhooks,
    /// Whose messages staff see.
    access: RecordAccess,
}

impl hms_service::Service for Service {
    const NAME: &'static str = "notification";
    const ABOUT: &'static str = "Messages to patients, and what has become of them.";
    type State = State;

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn shared_migrations() -> Option<EmbeddedMigrations> {
        Some(hms_care::MIGRATIONS)
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        use api::{notifications, preferences, push_subscriptions, templates, webhooks};
        routes
            .service(notifications::list::list)
            .service(notifications::push_key::push_key)
            .service(notifications::resend::resend)
            .service(notifications::get::get)
            .service(notifications::read::read)
            .service(templates::list::list)
            .service(templates::get::get)
            .service(templates::put::put)
            .service(templates::versions::versions)
            .service(templates::preview::preview)
            .service(preferences::get::get)
            .service(preferences::put::put)
            .service(push_subscriptions::list::list)
            .service(push_subscriptions::create::create)
            .service(push_subscriptions::delete::delete)
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
        state.sender.consume(state.webhooks.follow(events::consumer(&state.desk)))
    }

    async fn start(context: &Context) -> anyhow::Result<State> {
        let house = Arc::new(House::read(&context.settings)?);
        let access = hms_care::record_access(&context.settings)?;
        let public_url = hms_access::public_url(&context.settings)?.into();
        let devices = Arc::new(DeviceSeal::open(&context.settings, &context.own.data_dir)?);
        let (own, seal) = (context.giving_way(), Arc::clone(&devices));
        context.tasks.spawn(|stop| device_seal::run(own, seal, stop));
        let desk = Desk { house, bells: Bells::default(), devices, public_url };
        let channels = Arc::new(Channels::open(context)?);
        let sender = Sender::new(context, &channels, &desk);
        context.tasks.spawn(|stop| sender::keep(context.giving_way(), desk.bells.clone(), stop));
        context.tasks.spawn(|stop| reminding::run(context.giving_way(), desk.clone(), stop));
        Ok(State { channels, desk, sender, webhooks: Webhooks::start(context)?, access })
    }
}
