//! Many rows by one statement of PostgreSQL whose text is the same for any number of them, so that it is prepared once:
//! each column goes over as one array.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error;
use diesel::sql_types::{Array, Nullable, Text};
use diesel::{PgConnection, QueryResult, RunQueryDsl};

use crate::sql::Uid;

/// A column: its name, and its type as a cast takes it.
pub type PgColumn = (&'static str, &'static str);

/// Rows for one statement on a table of PostgreSQL, in their order; values are given as text.
#[derive(Debug, Clone)]
pub struct PgRows<const N: usize> {
    table: &'static str,
    columns: [PgColumn; N],
    values: [Vec<Option<String>>; N],
    aim: Aim,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    Add,
    AddNew,
    Change,
}

impl<const N: usize> PgRows<N> {
    /// Adds rows; none yet.
    pub fn into_table(table: &'static str, columns: [PgColumn; N]) -> Self {
        Self { table, columns, values: [const { Vec::new() }; N], aim: Aim::Add }
    }

    /// Changes rows that are found by their first column, a unique UUID, and whose second one, which counts their changes, is
    /// still as given. It answers with the first of those that it has changed.
    pub fn change(table: &'static str, columns: [PgColumn; N]) -> Self {
        Self { aim: Aim::Change, ..Self::into_table(table, columns) }
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
        self.aim = Aim::AddNew;
        self
    }
}

impl<const N: usize> RunQueryDsl<PgConnection> for PgRows<N> {}

impl<const N: usize> QueryId for PgRows<N> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// What [`PgRows::or_ignore`] and [`PgRows::change`] answer with.
impl<const N: usize> Query for PgRows<N> {
    type SqlType = Uid;
}

impl<const N: usize> QueryFragment<Pg> for PgRows<N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self.aim {
            Aim::Add | Aim::AddNew => self.add(out.reborrow())?,
            Aim::Change => self.change_them(out.reborrow())?,
        }
        if let (Aim::AddNew | Aim::Change, Some((first, _))) = (self.aim, self.columns.first()) {
            out.push_sql(" RETURNING ");
            out.push_identifier(self.table)?;
            out.push_sql(".");
            out.push_identifier(first)?;
        }
        Ok(())
    }
}

impl<const N: usize> PgRows<N> {
    fn add<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        out.push_identifier(self.table)?;
        out.push_sql(" (");
        self.names(&mut out)?;
        out.push_sql(") SELECT ");
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            given(&mut out, column)?;
        }
        self.all_given(&mut out)?;
        out.push_sql(" ORDER BY place");
        if let (Aim::AddNew, Some((first, _))) = (self.aim, self.columns.first()) {
            out.push_sql(" ON CONFLICT (");
            out.push_identifier(first)?;
            out.push_sql(") DO NOTHING");
        }
        Ok(())
    }

    fn change_them<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [key, version, values @ ..] = self.columns.as_slice() else {
            return Err(Error::QueryBuilderError("a change needs a key and a version".into()));
        };
        out.push_sql("UPDATE ");
        out.push_identifier(self.table)?;
        out.push_sql(" SET ");
        out.push_identifier(version.0)?;
        out.push_sql(" = ");
        given(&mut out, version)?;
        out.push_sql(" + 1");
        for column in values {
            out.push_sql(", ");
            out.push_identifier(column.0)?;
            out.push_sql(" = ");
            given(&mut out, column)?;
        }
        self.all_given(&mut out)?;
        for (word, column) in [(" WHERE ", key), (" AND ", version)] {
            out.push_sql(word);
            out.push_identifier(self.table)?;
            out.push_sql(".");
            out.push_identifier(column.0)?;
            out.push_sql(" = ");
            given(&mut out, column)?;
        }
        Ok(())
    }

    fn all_given<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" FROM unnest(");
        for (index, values) in self.values.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            out.push_bind_param::<Array<Nullable<Text>>, Vec<Option<String>>>(values)?;
        }
        out.push_sql(") WITH ORDINALITY AS given (");
        self.names(out)?;
        out.push_sql(", place)");
        Ok(())
    }

    fn names(&self, out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
        for (index, (name, _)) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            out.push_identifier(name)?;
        }
        Ok(())
    }
}

/// The value of a column that was given.
fn given(out: &mut AstPass<'_, '_, Pg>, (name, kind): &PgColumn) -> QueryResult<()> {
    out.push_sql("CAST(given.");
    out.push_identifier(name)?;
    out.push_sql(" AS ");
    out.push_sql(kind);
    out.push_sql(")");
    Ok(())
}
