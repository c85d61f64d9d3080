//! Values of row structs for the types of [`sql`](crate::sql). Newtypes, because diesel gives a foreign type no
//! local SQL type.

use std::convert::Infallible;
use std::fmt;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Jsonb, Text, Timestamptz, Uuid as PgUuid};
use diesel::sqlite::Sqlite;
use hms_model::Coded;
use hms_model::id::Id;
use uuid::Uuid;

use crate::MultiBackend;
use crate::sql::{Doc, Tstz, Uid};

/// A UUID column: `key.into()` makes the typed id of it, and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Uid)]
pub struct Key(pub Uuid);

/// A moment, UTC; both databases keep microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Tstz)]
pub struct At(pub DateTime<Utc>);

/// A JSON document. Objects and arrays only: SQLite would make a number of a bare one.
#[derive(Debug, Clone, Default, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Doc)]
pub struct Json(pub serde_json::Value);

/// A code of a closed set in a text column.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Code<T: Coded>(pub T);

impl<K> From<Id<K>> for Key {
    fn from(id: Id<K>) -> Self {
        Self(id.uuid())
    }
}
impl<K> From<Key> for Id<K> {
    fn from(key: Key) -> Self {
        Id::from_uuid(key.0)
    }
}
impl From<DateTime<Utc>> for At {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}
impl From<At> for DateTime<Utc> {
    fn from(at: At) -> Self {
        at.0
    }
}
impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        Self(value)
    }
}
impl From<Json> for serde_json::Value {
    fn from(json: Json) -> Self {
        json.0
    }
}
impl<T: Coded> From<T> for Code<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}
impl<T: Coded> fmt::Debug for Code<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code())
    }
}

/// How a newtype travels: as its native type on PostgreSQL, as text on SQLite.
macro_rules! portable {
    ($value:ty as $sql:ty, native $native:ty, write $write:expr, read $read:expr) => {
        impl ToSql<$sql, Pg> for $value {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<$native, Pg>::to_sql(&self.0, out)
            }
        }
        impl FromSql<$sql, Pg> for $value {
            fn from_sql(raw: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                FromSql::<$native, Pg>::from_sql(raw).map(Self)
            }
        }
        impl ToSql<$sql, Sqlite> for $value {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                out.set_value($write(&self.0)?);
                Ok(IsNull::No)
            }
        }
        impl FromSql<$sql, Sqlite> for $value {
            fn from_sql(raw: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                let text = <String as FromSql<Text, Sqlite>>::from_sql(raw)?;
                Ok(Self($read(&text)?))
            }
        }
        impl ToSql<$sql, MultiBackend> for $value {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value((<$sql>::default(), self));
                Ok(IsNull::No)
            }
        }
        impl FromSql<$sql, MultiBackend> for $value {
            fn from_sql(raw: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                raw.from_sql::<Self, $sql>()
            }
        }
    };
}

portable!(Key as Uid, native PgUuid, write uuid_text, read Uuid::parse_str);
portable!(At as Tstz, native Timestamptz, write moment_text, read str::parse::<DateTime<Utc>>);
portable!(Json as Doc, native Jsonb, write json_text, read serde_json::from_str);

fn uuid_text(uuid: &Uuid) -> Result<String, Infallible> {
    Ok(uuid.hyphenated().to_string())
}

/// RFC 3339 of one width, so that the order of the texts is the order of the moments.
fn moment_text(at: &DateTime<Utc>) -> Result<String, &'static str> {
    if !(0..=9999).contains(&at.year()) {
        return Err("a moment outside the years 0 to 9999");
    }
    Ok(at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn json_text(json: &serde_json::Value) -> serde_json::Result<String> {
    serde_json::to_string(json)
}

impl<T, DB> ToSql<Text, DB> for Code<T>
where
    T: Coded,
    DB: Backend,
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        <str as ToSql<Text, DB>>::to_sql(self.0.code(), out)
    }
}

impl<T, DB> FromSql<Text, DB> for Code<T>
where
    T: Coded,
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let code = String::from_sql(raw)?;
        T::from_code(&code).map(Self).ok_or_else(|| "a code that is not one of its set".into())
    }
}
