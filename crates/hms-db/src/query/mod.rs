//! What the derived backend lacks: ON CONFLICT, row locks, a Unicode `lower`, and small helpers.

mod compare;
mod conflict;
mod kept;
mod lock;
mod rows;
mod text;

pub use conflict::{Columns, InsertExt, OrIgnore, Upsert};
pub use kept::{KeepExt, Kept};
pub use lock::{LockExt, Locked};
pub use rows::{PgColumn, PgRows};
pub use text::{like_pattern, lower};

pub(crate) use text::register_lower;

/// The same expression compiled once per database, for what both have but the derived backend has not:
/// `each!(db, conn => diesel::insert_into(…).on_conflict(…).execute(conn))`.
#[macro_export]
macro_rules! each {
    ($db:expr, $conn:ident => $query:expr) => {
        match $db {
            $crate::Db::Pg($conn) => $query,
            $crate::Db::Sqlite($conn) => $query,
        }
    };
}
