//! Which patients' records a caller sees, in every service that shows any. [`hms_model::role::Viewer::sees`] decides;
//! here is what a service keeps for that, and how a handler and a list ask.
//!
//! The user service knows who is in whose care and tells it as `care_team.changed` and `access.break_glass`. A service
//! that follows the rule has the tables of [`schema`] in its database (by [`MIGRATIONS`], or with more columns by its own),
//! hands these events to [`keep_relations`] and [`keep_glass`] and those of practitioners to [`keep_practitioner`], and asks a
//! [`Sight`] for each record and the macro [`in_care`](crate::in_care) for each list.

pub mod schema;
mod sight;
mod store;

pub use sight::{Carer, NotInCare, Sight};
pub use store::{keep_glass, keep_practitioner, keep_relation, keep_relations, relations};

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_model::role::RecordAccess;
use hms_settings::{SettingError, Settings};

/// The tables of a service that keeps no more in them than the rule needs.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/care");

/// `HMS_RECORD_ACCESS` (`organisation`): whose records staff see. All services need the same.
pub fn record_access(settings: &Settings) -> Result<RecordAccess, SettingError> {
    settings.parse_or("HMS_RECORD_ACCESS", RecordAccess::Organisation)
}
