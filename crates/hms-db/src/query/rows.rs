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
    AddNewest,
    Change,
    Set,
    Remove,
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

    /// Changes rows that are found by their first column, whatever they were.
    pub fn set(table: &'static str, columns: [PgColumn; N]) -> Self {
        Self { aim: Aim::Set, ..Self::into_table(table, columns) }
    }

    /// Takes rows away that are found by all of these columns.
    pub fn remove(table: &'static str, columns: [PgColumn; N]) -> Self {
        Self { aim: Aim::Remove, ..Self::into_table(table, columns) }
    }

    /// Adds a row.
    pub fn push(&mut self, row: [Option<String>; N]) {
        for (column, value) in self.values.iter_mut().zip(row) {
            column.push(value);
        }
    }

    /// Leaves rows that are there already, by whatever is unique of them, and answers with the first column, a UUID, of
    /// those that were not.
    #[must_use]
    pub fn or_ignore(mut self) -> Self {
        self.aim = Aim::AddNew;
        self
    }

    /// Puts rows in the place of those that are there already by their first column, a unique UUID, and whose second one, a
    /// version, is lower; leaves the others. No first column may come twice. It answers with the first of those that it
    /// has written.
    #[must_use]
    pub fn or_newest(mut self) -> Self {
        self.aim = Aim::AddNewest;
        self
    }
}

impl<const N: usize> RunQueryDsl<PgConnection> for PgRows<N> {}

impl<const N: usize> QueryId for PgRows<N> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// What [`PgRows::or_ignore`], [`PgRows::or_newest`] and [`PgRows::change`] answer with.
impl<const N: usize> Query for PgRows<N> {
    type SqlType = Uid;
}

impl<const N: usize> QueryFragment<Pg> for PgRows<N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self.aim {
            Aim::Add | Aim::AddNew | Aim::AddNewest => self.add(out.reborrow())?,
            Aim::Change => self.change_them(out.reborrow())?,
            Aim::Set => self.set_them(out.reborrow())?,
            Aim::Remove => self.remove_them(out.reborrow())?,
        }
        let answers = matches!(self.aim, Aim::AddNew | Aim::AddNewest | Aim::Change);
        if let (true, Some((first, _))) = (answers, self.columns.first()) {
            out.push_sql(" RETURNING ");
            name_of(&mut out, self.table);
            out.push_sql(".");
            name_of(&mut out, first);
        }
        Ok(())
    }
}

impl<const N: usize> PgRows<N> {
    fn add<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        name_of(&mut out, self.table);
        out.push_sql(" (");
        self.names(&mut out)?;
        out.push_sql(") SELECT ");
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            given(&mut out, column)?;
        }
        out.push_sql(" FROM ");
        self.unnested(&mut out)?;
        out.push_sql(" ORDER BY place");
        match self.aim {
            Aim::AddNew => out.push_sql(" ON CONFLICT DO NOTHING"),
            Aim::AddNewest => self.or_change_older(&mut out)?,
            Aim::Add | Aim::Change | Aim::Set | Aim::Remove => {}
        }
        Ok(())
    }

    fn or_change_older(&self, out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
        let [(key, _), changed @ ..] = self.columns.as_slice() else { return Err(without_version()) };
        let [(version, _), ..] = changed else { return Err(without_version()) };
        out.push_sql(" ON CONFLICT (");
        name_of(out, key);
        out.push_sql(") DO UPDATE SET ");
        for (index, (name, _)) in changed.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            name_of(out, name);
            out.push_sql(" = excluded.");
            name_of(out, name);
        }
        out.push_sql(" WHERE ");
        name_of(out, self.table);
        out.push_sql(".");
        name_of(out, version);
        out.push_sql(" < excluded.");
        name_of(out, version);
        Ok(())
    }

    fn change_them<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [key, version, values @ ..] = self.columns.as_slice() else {
            return Err(without_version());
        };
        out.push_sql("UPDATE ");
        name_of(&mut out, self.table);
        out.push_sql(" SET ");
        name_of(&mut out, version.0);
        out.push_sql(" = ");
        given(&mut out, version)?;
        out.push_sql(" + 1");
        for column in values {
            out.push_sql(", ");
            name_of(&mut out, column.0);
            out.push_sql(" = ");
            given(&mut out, column)?;
        }
        out.push_sql(" FROM ");
        self.unnested(&mut out)?;
        self.where_given(&mut out, &[*key, *version])
    }

    fn set_them<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [key, values @ ..] = self.columns.as_slice() else { return Err(without_version()) };
        out.push_sql("UPDATE ");
        name_of(&mut out, self.table);
        for (index, column) in values.iter().enumerate() {
            out.push_sql(if index == 0 { " SET " } else { ", " });
            name_of(&mut out, column.0);
            out.push_sql(" = ");
            given(&mut out, column)?;
        }
        out.push_sql(" FROM ");
        self.unnested(&mut out)?;
        self.where_given(&mut out, &[*key])
    }

    fn remove_them<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        name_of(&mut out, self.table);
        out.push_sql(" USING ");
        self.unnested(&mut out)?;
        self.where_given(&mut out, &self.columns)
    }

    /// Of the table those rows of which these columns are as given.
    fn where_given(&self, out: &mut AstPass<'_, '_, Pg>, columns: &[PgColumn]) -> QueryResult<()> {
        for (index, column) in columns.iter().enumerate() {
            out.push_sql(if index == 0 { " WHERE " } else { " AND " });
            name_of(out, self.table);
            out.push_sql(".");
            name_of(out, column.0);
            out.push_sql(" = ");
            given(out, column)?;
        }
        Ok(())
    }

    fn unnested<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("unnest(");
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
            name_of(out, name);
        }
        Ok(())
    }
}

/// The name of a table or a column: one of the program's own, in which there is no quotation mark to look for.
fn name_of(out: &mut AstPass<'_, '_, Pg>, name: &'static str) {
    out.push_sql("\"");
    out.push_sql(name);
    out.push_sql("\"");
}

fn without_version() -> Error {
    Error::QueryBuilderError("a change needs a key, and what becomes of it".into())
}

/// The value of a column that was given.
fn given(out: &mut AstPass<'_, '_, Pg>, (name, kind): &PgColumn) -> QueryResult<()> {
    out.push_sql("CAST(given.");
    name_of(out, name);
    out.push_sql(" AS ");
    out.push_sql(kind);
    out.push_sql(")");
    Ok(())
}
