//! The auth service: accounts, passwords, sessions, and the tokens that all services check by themselves.

mod api;
mod config;
mod domain;
mod events;
mod first_admin;
mod grant_tokens;
mod hashing;
mod keyring;
mod last_use;
mod schema;
mod service_clients;
mod sign_ins;
mod signing;
mod state;
mod store;
mod tokens;
mod upkeep;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_bus::Consumer;
use hms_service::{Context, Program};
use utoipa_actix_web::service_config::ServiceConfig;

use api::{accounts, api_keys, auth, clients, internal, jwks, oauth, signing_keys, well_known};

pub use first_admin::admin_password_file;
pub use state::State;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/auth");

/// The auth service.
pub struct Service;

/// What starts it: its own `main`, and `hms up`.
pub static PROGRAM: Program = Program::of::<Service>();

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
            .service(auth::login_mfa::login_mfa)
            .service(auth::token::token)
            .service(auth::register::register)
            .service(auth::refresh::refresh)
            .service(auth::logout::logout)
            .service(auth::me::me)
            .service(auth::erase::erase)
            .service(auth::invitation::accept)
            .service(auth::verification::resend::resend)
            .service(auth::verification::confirm::confirm)
            .service(auth::password::change::change)
            .service(auth::password::forgotten::forgotten)
            .service(auth::password::reset::reset)
            .service(auth::sessions::list::list)
            .service(auth::sessions::end_all::end_all)
            .service(auth::sessions::end::end)
            .service(auth::mfa::status::status)
            .service(auth::mfa::enrol::enrol)
            .service(auth::mfa::confirm::confirm)
            .service(auth::mfa::disable::disable)
            .service(auth::mfa::recovery_codes::renew)
            .service(accounts::invitations::create::create)
            .service(accounts::invitations::list::list)
            .service(accounts::invitations::withdraw::withdraw)
            .service(accounts::create::create)
            .service(accounts::list::list)
            .service(accounts::get::get)
            .service(accounts::change::change)
            .service(accounts::delete::delete)
            .service(accounts::forget_factor::forget_factor)
            .service(api_keys::create::create)
            .service(api_keys::list::list)
            .service(api_keys::get::get)
            .service(api_keys::change::change)
            .service(api_keys::rotate::rotate)
            .service(api_keys::revoke::revoke)
            .service(oauth::authorize::authorize)
            .service(oauth::decide::decide)
            .service(oauth::token::token)
            .service(oauth::revoke::revoke)
            .service(oauth::introspect::introspect)
            .service(oauth::userinfo::userinfo)
            .service(clients::create::create)
            .service(clients::list::list)
            .service(clients::get::get)
            .service(clients::change::change)
            .service(clients::secret::secret)
            .service(clients::revoke::revoke)
            .service(signing_keys::rotate::rotate);
    }

    fn root_routes(routes: &mut ServiceConfig<'_>) {
        routes
            .service(jwks::jwks)
            .service(well_known::server)
            .service(well_known::provider)
            .service(internal::revocations::revocations)
            .service(internal::exchange::exchange);
    }

    fn consumer(_: &Arc<State>) -> Consumer {
        events::consumer()
    }

    async fn start(context: &Context) -> anyhow::Result<State> {
        State::prepare(context).await
    }
}
