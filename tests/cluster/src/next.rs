//! Tables as a next version would have them: what each service has, expanded. The versions that run now must not mind.

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_db::{Database, DatabaseUrl, Migrations, PoolOptions};

const EVERY: EmbeddedMigrations = embed_migrations!("next/every");
const USER: EmbeddedMigrations = embed_migrations!("next/user");
const APPOINTMENT: EmbeddedMigrations = embed_migrations!("next/appointment");

/// Runs the next version's migrations of a service, as its init container would.
pub async fn migrate(service: &str, url: DatabaseUrl) {
    let migrations = match service {
        "user" => Migrations::new().and(EVERY).and(USER),
        "appointment" => Migrations::new().and(EVERY).and(APPOINTMENT),
        _ => Migrations::new().and(EVERY),
    };
    let done = Database::new(url, PoolOptions::default()).migrate(&migrations).await;
    let done = done.unwrap_or_else(|error| panic!("the next tables of {service}: {error:?}"));
    assert!(!done.is_empty(), "{service} has them already");
}
