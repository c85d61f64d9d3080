//! SELECT … FOR UPDATE, or FOR SHARE, where there is such a thing.

use diesel::query_builder::{AsQuery, AstPass, Query, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

use crate::{Db, MultiBackend};

/// Row locks for a select inside a write. On SQLite they say nothing: its write transactions follow one another.
pub trait LockExt: AsQuery + Sized {
    /// Waits for the rows and locks them until the end of the transaction.
    fn lock(self, db: &Db) -> Locked<Self::Query> {
        Locked::new(self.as_query(), db, " FOR UPDATE")
    }

    /// Waits until nobody changes the rows, and lets nobody do so until the end of the transaction; others may lock them in
    /// this way at the same time.
    fn lock_shared(self, db: &Db) -> Locked<Self::Query> {
        Locked::new(self.as_query(), db, " FOR SHARE")
    }

    /// Locks the rows that nobody holds and leaves out the others.
    fn lock_skip(self, db: &Db) -> Locked<Self::Query> {
        Locked::new(self.as_query(), db, " FOR UPDATE SKIP LOCKED")
    }
}

impl<Q: AsQuery> LockExt for Q {}

/// See [`LockExt`].
#[derive(Debug, Clone, Copy)]
pub struct Locked<Q> {
    select: Q,
    clause: Option<&'static str>,
}

impl<Q> Locked<Q> {
    fn new(select: Q, db: &Db, clause: &'static str) -> Self {
        Self { select, clause: matches!(db, Db::Pg(_)).then_some(clause) }
    }
}

impl<Q: Query> Query for Locked<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<Db> for Locked<Q> {}

impl<Q> QueryId for Locked<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Locked<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.select.walk_ast(out.reborrow())?;
        if let Some(clause) = self.clause {
            out.push_sql(clause);
        }
        Ok(())
    }
}
