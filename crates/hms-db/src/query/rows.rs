//! Many rows by one statement of PostgreSQL whose text is the same for any number of them, so that it is prepared once:
//! each column goes over as one array.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Nullable, Text};
use diesel::{PgConnection, QueryResult, RunQueryDsl};

use crate::sql::Uid;

/// A column: its name, and its type as a cast takes it.
pub type PgColumn = (&'static str, &'static str);

/// Rows for one INSERT into a table of PostgreSQL, in their order; values are given as text.
#[derive(Debug, Clone)]
pub struct PgRows<const N: usize> {
    table: &'static str,
    columns: [PgColumn; N],
    values: [Vec<Option<String>>; N],
    new_ones: bool,
}

impl<const N: usize> PgRows<N> {
    /// No rows yet.
    pub fn into_table(table: &'static str, columns: [PgColumn; N]) -> Self {
        Self { table, columns, values: [const { Vec::new() }; N], new_ones: false }
    }

    /// Adds a row.
    pub fn push(&mut self, row: [Option<String>; N]) {
        for (column, value) in self.values.iter_mut().zip(row) {
            column.push(value);
        }
    }

    /// Leaves rows that are there already by their first column, a unique UUID, and answers with it of those that were
    /// not.
    #[must_use]
    pub fn or_ignore(mut self) -> Self {
        self.new_ones = true;
        self
    }
}

impl<const N: usize> RunQueryDsl<PgConnection> for PgRows<N> {}

impl<const N: usize> QueryId for PgRows<N> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// What [`PgRows::or_ignore`] answers with.
impl<const N: usize> Query for PgRows<N> {
    type SqlType = Uid;
}

impl<const N: usize> QueryFragment<Pg> for PgRows<N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        out.push_identifier(self.table)?;
        out.push_sql(" (");
        self.names(&mut out)?;
        out.push_sql(") SELECT ");
        for (index, (name, kind)) in self.columns.iter().enumerate() {
            out.push_sql(if index > 0 { ", CAST(" } else { "CAST(" });
            out.push_identifier(name)?;
            out.push_sql(" AS ");
            out.push_sql(kind);
            out.push_sql(")");
        }
        out.push_sql(" FROM unnest(");
        for (index, values) in self.values.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            out.push_bind_param::<Array<Nullable<Text>>, Vec<Option<String>>>(values)?;
        }
        out.push_sql(") WITH ORDINALITY AS given (");
        self.names(&mut out)?;
        out.push_sql(", place) ORDER BY place");
        if let (true, Some((first, _))) = (self.new_ones, self.columns.first()) {
            out.push_sql(" ON CONFLICT (");
            out.push_identifier(first)?;
            out.push_sql(") DO NOTHING RETURNING ");
            out.push_identifier(self.table)?;
            out.push_sql(".");
            out.push_identifier(first)?;
        }
        Ok(())
    }
}

impl<const N: usize> PgRows<N> {
    fn names<'b>(&self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (index, (name, _)) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            out.push_identifier(name)?;
        }
        Ok(())
    }
}
