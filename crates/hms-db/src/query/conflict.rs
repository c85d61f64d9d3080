//! INSERT … ON CONFLICT, for one row at a time: SQLite takes no batch with it, so loop.

use diesel::AsChangeset;
use diesel::Column;
use diesel::QueryResult;
use diesel::QuerySource;
use diesel::RunQueryDsl;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, InsertStatement, QueryFragment, QueryId};

use crate::Db;

/// ON CONFLICT for an insert of one row.
pub trait InsertExt: Sized {
    /// Leaves what is there already: 0 rows then. A failed insert would end the transaction on PostgreSQL; this
    /// does not.
    fn or_ignore(self) -> OrIgnore<Self> {
        OrIgnore(self)
    }

    /// Changes the row that is there already, found by the unique `columns`:
    /// `.upsert((customers::email,), customers::name.eq("…"))`.
    fn upsert<T: Columns, C: AsChangeset>(self, columns: T, changes: C) -> Upsert<Self, T, C::Changeset> {
        Upsert { insert: self, columns, changes: changes.as_changeset() }
    }
}

impl<T: QuerySource, U, Op, R> InsertExt for InsertStatement<T, U, Op, R> {}

/// See [`InsertExt::or_ignore`].
#[derive(Debug, Clone, Copy)]
pub struct OrIgnore<Q>(Q);

impl<Q> RunQueryDsl<Db> for OrIgnore<Q> {}

impl<Q> QueryId for OrIgnore<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for OrIgnore<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" ON CONFLICT DO NOTHING");
        Ok(())
    }
}

/// See [`InsertExt::upsert`].
#[derive(Debug, Clone, Copy)]
pub struct Upsert<Q, T, C> {
    insert: Q,
    columns: T,
    changes: C,
}

impl<Q, T, C> RunQueryDsl<Db> for Upsert<Q, T, C> {}

impl<Q, T, C> QueryId for Upsert<Q, T, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB, Q, T, C> QueryFragment<DB> for Upsert<Q, T, C>
where
    DB: Backend,
    Q: QueryFragment<DB>,
    T: Columns,
    C: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.insert.walk_ast(out.reborrow())?;
        out.push_sql(" ON CONFLICT (");
        for (index, name) in self.columns.names().into_iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            out.push_identifier(name)?;
        }
        out.push_sql(") DO UPDATE SET ");
        self.changes.walk_ast(out)
    }
}

/// The columns of a unique index: a tuple of one to four.
pub trait Columns {
    /// Their names.
    fn names(&self) -> Vec<&'static str>;
}

macro_rules! tuples_of_columns {
    ($(($($column:ident),+)),+ $(,)?) => {$(
        impl<$($column: Column),+> Columns for ($($column,)+) {
            fn names(&self) -> Vec<&'static str> {
                vec![$($column::NAME),+]
            }
        }
    )+};
}
tuples_of_columns!((A), (A, B), (A, B, C), (A, B, C, D));
