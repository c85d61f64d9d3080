//! Statements that the connection keeps prepared. diesel prepares an INSERT of a row struct and every UPDATE anew each
//! time, since their text depends on which fields are set: on PostgreSQL a round trip more, and the parsing and
//! planning again. Here the text itself is the key of the cache, so whatever it is, it is the right one.

use diesel::connection::Connection;
use diesel::internal::derives::multiconnection::AstPassHelper as _;
use diesel::pg::{Pg, PgQueryBuilder};
use diesel::query_builder::{
    AstPass, DeleteStatement, InsertStatement, Query, QueryBuilder as _, QueryFragment, QueryId,
    UpdateStatement,
};
use diesel::query_dsl::methods::LoadQuery;
use diesel::sqlite::Sqlite;
use diesel::{PgConnection, QueryResult, QuerySource, RunQueryDsl, SqliteConnection};

use super::{OrIgnore, Upsert};
use crate::Db;

/// For statements that are made often and have few different texts: rows of one table, one at a time.
pub trait KeepExt: Sized {
    /// Keeps it prepared.
    fn kept(self) -> Kept<Self> {
        Kept(self)
    }
}

impl<T: QuerySource, U, Op, R> KeepExt for InsertStatement<T, U, Op, R> {}
impl<T: QuerySource, U, V, R> KeepExt for UpdateStatement<T, U, V, R> {}
impl<T: QuerySource, U, R> KeepExt for DeleteStatement<T, U, R> {}
impl<Q> KeepExt for OrIgnore<Q> {}
impl<Q, T, C> KeepExt for Upsert<Q, T, C> {}

/// See [`KeepExt::kept`].
#[derive(Debug, Clone, Copy)]
pub struct Kept<Q>(Q);

impl<Q: QueryFragment<Pg> + QueryFragment<Sqlite>> Kept<Q> {
    /// Runs it; says how many rows it has changed.
    pub fn execute(self, db: &mut Db) -> QueryResult<usize> {
        match db {
            Db::Pg(connection) => connection.execute_returning_count(&self),
            Db::Sqlite(connection) => connection.execute_returning_count(&self),
        }
    }
}

impl<Q> Kept<Q> {
    /// Runs a statement with RETURNING; gives the first row that it answers with.
    pub fn get_result<'q, U>(self, db: &mut Db) -> QueryResult<U>
    where
        Self: LoadQuery<'q, PgConnection, U> + LoadQuery<'q, SqliteConnection, U>,
    {
        match db {
            Db::Pg(connection) => RunQueryDsl::get_result(self, connection),
            Db::Sqlite(connection) => RunQueryDsl::get_result(self, connection),
        }
    }
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<PgConnection> for Kept<Q> {}
impl<Q> RunQueryDsl<SqliteConnection> for Kept<Q> {}

impl<Q> QueryId for Kept<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The statement goes out as a whole and its values after it, so that nothing in it gets to say that it must not be kept.
/// (diesel asks a reference to the statement, which would pass the question on to its parts.)
impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Kept<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut text = PgQueryBuilder::default();
        self.0.to_sql(&mut text, &Pg)?;
        out.push_sql(&text.finish());
        match out.bind_collector() {
            Some((values, types)) => self.0.collect_binds(values, types, &Pg),
            None => Ok(()),
        }
    }
}

/// In process there is no round trip to save.
impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Kept<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}
