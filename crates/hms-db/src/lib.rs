//! diesel on SQLite and PostgreSQL, chosen at run time by URL: connections, pools, portable column types, units
//! of work, migrations. Queries are written once, against [`Db`]; what the derived backend lacks (ON CONFLICT,
//! row locks, a Unicode `lower`) stands in [`query`].
//!
//! ```no_run
//! # use hms_db::{Database, Db, PoolOptions};
//! # use diesel::prelude::*;
//! # diesel::table! { use diesel::sql_types::*; use hms_db::sql::Uid; patients (id) { id -> Uid, name -> Text, } }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let database = Database::new("sqlite://data/user.db".parse()?, PoolOptions::default());
//! let names = database.read(|db: &mut Db| Ok::<_, hms_db::Error>(patients::table.select(patients::name).load::<String>(db)?)).await?;
//! # Ok(()) }
//! ```

mod backend;
mod column;
mod connect;
mod database;
mod error;
mod fingerprint;
mod migrate;
mod options;
mod patience;
mod pool;
mod problem;
pub mod query;
pub mod sql;
mod symptom;
mod threads;
mod transaction;
mod url;

pub use backend::{Backend, Db, MultiBackend};
pub use column::{At, Code, Json, Key};
pub use database::Database;
pub use diesel_migrations::EmbeddedMigrations;
pub use error::{BoxError, Error, Result};
pub use migrate::Migrations;
pub use options::PoolOptions;
pub use pool::{Heard, PoolStatus};
pub use query::{InsertExt, KeepExt, LockExt, PgColumn, PgRows, like_pattern, lower};
pub use url::{DatabaseUrl, UrlError};
