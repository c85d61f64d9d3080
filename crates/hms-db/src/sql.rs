//! SQL types for `diesel::table!` that are native on PostgreSQL and text on SQLite:
//! `diesel::table! { use diesel::sql_types::*; use hms_db::sql::{Doc, Tstz, Uid}; … }`.
//!
//! In migrations they are written `UUID`, `TIMESTAMPTZ` and `JSONB` for both.

use diesel::query_builder::QueryId;
use diesel::sql_types::{HasSqlType, SqlOrd, SqlType};

use crate::MultiBackend;

/// A UUID; the value is a [`Key`](crate::Key).
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(postgres_type(name = "uuid"), sqlite_type(name = "Text"))]
pub struct Uid;

/// A moment; the value is an [`At`](crate::At).
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(postgres_type(name = "timestamptz"), sqlite_type(name = "Text"))]
pub struct Tstz;

/// A JSON document, an object or an array; the value is a [`Json`](crate::Json).
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(postgres_type(name = "jsonb"), sqlite_type(name = "Text"))]
pub struct Doc;

impl SqlOrd for Uid {}
impl SqlOrd for Tstz {}

macro_rules! known_to_both {
    ($($sql:ty),+) => {$(
        impl HasSqlType<$sql> for MultiBackend {
            fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                MultiBackend::lookup_sql_type::<$sql>(lookup)
            }
        }
    )+};
}
known_to_both!(Uid, Tstz, Doc);
