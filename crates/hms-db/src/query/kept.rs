//! Statements that the connection keeps prepared. diesel prepares an INSERT of a row struct and every UPDATE anew each
//! time, since their text depends on which fields are set: on PostgreSQL a round trip more, and the parsing and
//! planning again. Here the text itself is the key of the cache, so whatever it is, it is the right one.

use diesel::backend::Backend;
use diesel::query_builder::{
    AstPass, DeleteStatement, InsertStatement, QueryFragment, QueryId, UpdateStatement,
};
use diesel::{QueryResult, QuerySource, RunQueryDsl};

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

/// See [`KeepExt::kept`].
#[derive(Debug, Clone, Copy)]
pub struct Kept<Q>(Q);

impl<Q> RunQueryDsl<Db> for Kept<Q> {}

impl<Q> QueryId for Kept<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for Kept<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}
