//! Wires the shared crates into one running service. A service says in its [`Service`] what it is made of; this
//! crate gives it settings, a database, the bus, a server with health, metrics and documentation, and a clean end.
//! Handlers meet it as [`Call`]: who calls, and the unit of work.

mod access_log;
mod call;
mod context;
mod dead_letters;
mod health;
mod idempotency;
mod lists;
mod lookup;
mod metrics;
mod openapi;
mod page;
mod program;
mod reply;
mod run;
mod server;
mod settings;
mod tasks;
mod trace;
mod upkeep;
mod waiting;
mod wiring;
mod work;

use std::sync::Arc;

use diesel_migrations::EmbeddedMigrations;
use utoipa_actix_web::service_config::ServiceConfig;

pub use call::{Call, Disclosure};
pub use context::{Context, undone};
pub use health::{Dependency, Health, State};
pub use lists::{Asked, Known, Place};
pub use lookup::Lookup;
pub use program::Program;
pub use reply::Reply;
pub use run::{PENDING, run};
pub use server::{Running, StopSignal, all_migrations, document, start, stop_signal};
pub use settings::ServiceSettings;
pub use tasks::{Stop, Tasks};
pub use wiring::Wiring;
pub use work::{Act, Work};

/// What a service is made of.
pub trait Service: Send + Sync + 'static {
    /// Its name, as it stands in `hms_model::service::SERVICES`.
    const NAME: &'static str;
    /// What it is for, in a sentence for the documentation.
    const ABOUT: &'static str;
    /// What its handlers share beside the [`Context`]; they take it as `web::Data<State>`.
    type State: Send + Sync + 'static;

    /// The tables it owns.
    fn migrations() -> EmbeddedMigrations;

    /// Tables that it has as others have them, from the crate that knows what they are for; made before its own. Few
    /// services have any.
    fn shared_migrations() -> Option<EmbeddedMigrations> {
        None
    }

    /// Its routes under `/api/v1`.
    fn routes(routes: &mut ServiceConfig<'_>);

    /// Its routes outside of it; few services have any.
    fn root_routes(_routes: &mut ServiceConfig<'_>) {}

    /// The events it acts upon.
    fn consumer(state: &Arc<Self::State>) -> hms_bus::Consumer;

    /// Makes the state, once the database is there and migrated.
    fn start(context: &Context) -> impl Future<Output = anyhow::Result<Self::State>> + Send;
}
