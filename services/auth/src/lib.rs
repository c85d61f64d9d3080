//! The auth service: accounts, passwords, sessions, and the tokens that all services check by themselves.

mod api;
mod config;
mod domain;
mod events;
mod first_admin;
mod hashing;
mod schema;
mod signing;
mod state;
mod store;
mod tokens;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_bus::Consumer;
use hms_service::Context;
use utoipa_actix_web::service_config::ServiceConfig;

use api::{accounts, auth, jwks};

pub use first_admin::admin_password_file;
pub use state::State;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/auth");

/// The auth service.
pub struct Service;

impl hms_service::Service for Service {
    const NAME: &'static str = "auth";
    const ABOUT: &'static str = "Accounts, sign-in, and the tokens that all services trust.";
    type State = State;

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        routes
            .service(auth::login::login)
            .service(auth::token::token)
            .service(auth::register::register)
            .service(auth::refresh::refresh)
            .service(auth::logout::logout)
            .service(auth::me::me)
            .service(accounts::create::create)
            .service(accounts::list::list)
            .service(accounts::get::get)
            .service(accounts::change::change);
    }

    fn root_routes(routes: &mut ServiceConfig<'_>) {
        routes.service(jwks::jwks);
    }

    fn consumer(_: &Arc<State>) -> Consumer {
        events::consumer()
    }

    async fn start(context: &Context) -> anyhow::Result<State> {
        State::prepare(context).await
    }
}
