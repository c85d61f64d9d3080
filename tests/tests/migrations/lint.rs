//! Which statements of a migration would stop requests while it runs, or break the version that runs beside the new one.

use std::collections::HashSet;

/// What is wrong with a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Danger {
    /// Something that the version before may still use is gone: it goes when no such version is left.
    Drops,
    /// Something has another name, which the version before does not know.
    Renames,
    /// A column of another type: the whole table is written anew, while nobody else gets at it.
    ChangesType,
    /// The version before writes rows without this column.
    NotNullWithoutDefault,
    /// Rows that are there are looked at, while nobody else writes.
    SetsNotNull,
    /// Rows that are there are checked, while nobody else writes: `NOT VALID` first, then `VALIDATE CONSTRAINT`.
    ConstraintIsChecked,
    /// Nobody writes while the index is made: `CONCURRENTLY`, in a migration of its own that is marked `_postgres`.
    IndexStopsWrites,
    /// `CONCURRENTLY` asks for `run_in_transaction = false` in `metadata.toml`, and for one statement alone.
    ConcurrentlyInTransaction,
    /// A default that is another one for each row: the whole table is written anew.
    VolatileDefault,
    /// All rows are written in one transaction: a job does it in portions.
    RewritesRows,
    /// Everybody else waits.
    LocksTable,
}

/// The statements of a text, without comments; a quoted body of a function counts as one word.
fn statements(text: &str) -> Vec<String> {
    let (mut statements, mut statement) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let taken = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if next == '\'' || rest.starts_with("$$") {
            let quote = if next == '\'' { "'" } else { "$$" };
            statement.push_str(" ? ");
            let body = &rest[quote.len()..];
            body.find(quote).map_or(rest.len(), |end| quote.len() + end + quote.len())
        } else if next == ';' {
            statements.push(std::mem::take(&mut statement));
            1
        } else {
            statement.extend(next.to_lowercase());
            next.len_utf8()
        };
        rest = &rest[taken..];
    }
    statements.push(statement);
    let spaced =
        statements.iter().map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "));
    spaced.filter(|statement| !statement.is_empty()).collect()
}

/// What is dangerous in a migration for PostgreSQL; `in_transaction` is what its metadata says.
pub fn dangers(text: &str, in_transaction: bool) -> Vec<(Danger, String)> {
    let statements = statements(text);
    // What this very migration makes holds no rows, and nobody uses it yet.
    let new: HashSet<&str> = statements.iter().filter_map(|statement| made(statement)).collect();
    let mut found = Vec::new();
    for statement in &statements {
        let alone = !in_transaction && statements.len() == 1;
        found.extend(
            of_statement(statement, &new, alone).into_iter().map(|danger| (danger, statement.clone())),
        );
    }
    found
}

fn made(statement: &str) -> Option<&str> {
    let rest = statement.strip_prefix("create table ")?;
    let rest = rest.strip_prefix("if not exists ").unwrap_or(rest);
    rest.split([' ', '(']).next()
}

fn of_statement(statement: &str, new: &HashSet<&str>, alone: bool) -> Vec<Danger> {
    let first = |prefix: &str| statement.strip_prefix(prefix);
    if let Some(rest) = first("alter table ") {
        let rest = rest.strip_prefix("only ").unwrap_or(rest);
        let (table, actions) = rest.split_once(' ').unwrap_or((rest, ""));
        return if new.contains(table) { Vec::new() } else { of_alteration(actions) };
    }
    if first("create index").or(first("create unique index")).is_some() {
        return of_index(statement, new, alone);
    }
    let whole = |verb: &str| statement.starts_with(verb) && !statement.contains(" where ");
    let table_of = |verb: &str| first(verb).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    if first("drop table").or(first("drop view")).or(first("truncate")).is_some() {
        return vec![Danger::Drops];
    }
    if first("drop index").is_some() {
        let concurrently = first("drop index concurrently").is_some();
        return match (concurrently, alone) {
            (false, _) => vec![Danger::Drops],
            (true, false) => vec![Danger::ConcurrentlyInTransaction],
            (true, true) => Vec::new(),
        };
    }
    if first("lock table").is_some() {
        return vec![Danger::LocksTable];
    }
    let updated = whole("update ") && !new.contains(table_of("update "));
    if updated || (whole("delete from ") && !new.contains(table_of("delete from "))) {
        return vec![Danger::RewritesRows];
    }
    Vec::new()
}

fn of_index(statement: &str, new: &HashSet<&str>, alone: bool) -> Vec<Danger> {
    let table = statement.split_once(" on ").and_then(|(_, rest)| rest.split([' ', '(']).next());
    let concurrently = statement.contains(" index concurrently ");
    match (concurrently, table.is_some_and(|table| new.contains(table))) {
        (true, _) if !alone => vec![Danger::ConcurrentlyInTransaction],
        (true, _) | (false, true) => Vec::new(),
        (false, false) => vec![Danger::IndexStopsWrites],
    }
}

/// One ALTER TABLE may do several things.
fn of_alteration(actions: &str) -> Vec<Danger> {
    const VOLATILE: [&str; 5] = [
        "default random()",
        "default gen_random_uuid()",
        "default clock_timestamp()",
        "default nextval(",
        "serial",
    ];
    let has = |words: &str| actions.contains(words);
    let adds_column = has("add column") || (actions.starts_with("add ") && !has("add constraint"));
    let checked = ["check", "foreign key", "references", "unique", "primary key", "exclude"]
        .iter()
        .any(|kind| has(kind));
    let adds_constraint =
        has("add constraint") || (actions.starts_with("add ") && checked && !has("add column"));
    let tests = [
        (has("drop column"), Danger::Drops),
        (has("rename "), Danger::Renames),
        (has(" type ") && has("alter "), Danger::ChangesType),
        (adds_column && has("not null") && !has("default"), Danger::NotNullWithoutDefault),
        (has("set not null"), Danger::SetsNotNull),
        (adds_constraint && !has("not valid") && !has("using index"), Danger::ConstraintIsChecked),
        (adds_column && VOLATILE.iter().any(|volatile| has(volatile)), Danger::VolatileDefault),
    ];
    tests.into_iter().filter(|(found, _)| *found).map(|(_, danger)| danger).collect()
}

#[cfg(test)]
mod tests {
    use super::Danger::*;
    use super::*;

    /// A migration, and what is said of it.
    const CASES: [(&str, &[Danger]); 26] = [
        ("CREATE TABLE a (id UUID PRIMARY KEY); CREATE INDEX a_id ON a (id);", &[]),
        ("CREATE TABLE IF NOT EXISTS a(id UUID);\nALTER TABLE a ADD COLUMN b TEXT NOT NULL;", &[]),
        ("ALTER TABLE a ADD COLUMN b TEXT;", &[]),
        ("ALTER TABLE a ADD COLUMN b TEXT NOT NULL DEFAULT '';", &[]),
        ("ALTER TABLE a ADD COLUMN b TEXT NOT NULL;", &[NotNullWithoutDefault]),
        ("alter table only a add b text not null", &[NotNullWithoutDefault]),
        ("ALTER TABLE a ADD COLUMN b UUID NOT NULL DEFAULT gen_random_uuid();", &[VolatileDefault]),
        ("ALTER TABLE a DROP COLUMN b;", &[Drops]),
        ("DROP TABLE a;", &[Drops]),
        ("DROP INDEX a_b;", &[Drops]),
        ("DROP INDEX CONCURRENTLY a_b;", &[ConcurrentlyInTransaction]),
        ("ALTER TABLE a RENAME COLUMN b TO c;", &[Renames]),
        ("ALTER TABLE a RENAME TO c;", &[Renames]),
        ("ALTER TABLE a ALTER COLUMN b TYPE BIGINT;", &[ChangesType]),
        ("ALTER TABLE a ALTER b SET DATA TYPE BIGINT;", &[ChangesType]),
        ("ALTER TABLE a ALTER COLUMN b SET NOT NULL;", &[SetsNotNull]),
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);", &[ConstraintIsChecked]),
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID;", &[]),
        ("ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c (id);", &[ConstraintIsChecked]),
        ("ALTER TABLE a VALIDATE CONSTRAINT c;", &[]),
        ("CREATE UNIQUE INDEX a_b ON a (b);", &[IndexStopsWrites]),
        ("CREATE INDEX CONCURRENTLY a_b ON a (b);", &[ConcurrentlyInTransaction]),
        ("UPDATE a SET b = 1;", &[RewritesRows]),
        ("UPDATE a SET b = 1 WHERE id = 1; DELETE FROM a WHERE id = 2;", &[]),
        ("LOCK TABLE a IN SHARE MODE;", &[LocksTable]),
        (
            "-- DROP TABLE a;\nCREATE FUNCTION f() RETURNS trigger AS $$ BEGIN UPDATE a SET b = ';'; END $$;",
            &[],
        ),
    ];

    #[test]
    fn each_danger_is_seen() {
        for (text, expected) in CASES {
            let found: Vec<_> = dangers(text, true).into_iter().map(|(danger, _)| danger).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn an_index_that_is_made_beside_all_else_stands_alone() {
        let index = "CREATE INDEX CONCURRENTLY a_b ON a (b);";
        assert_eq!(dangers(index, false), []);
        let found = dangers(&format!("{index} SELECT 1;"), false);
        assert_eq!(found[0].0, ConcurrentlyInTransaction);
    }
}
