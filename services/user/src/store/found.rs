//! Finding patients by parts of words without going through all of them.
//!
//! What many are found by, the newest of them have too; what few are found by, an index by three letters has. Which of
//! both it is, a plan that is made once for any word cannot know. So the newest are looked at first, unless few had the words
//! a moment ago; then the index is asked for so many that it costs little, and only what is frequent and yet not among the
//! newest is looked for in order.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{PgConnection, SqliteConnection};
use hms_api::{List, Paging};
use hms_db::sql::Uid;
use hms_db::{Db, Key, Result, like_pattern};

use crate::domain::is_indexed;
use crate::schema::patients;

/// How many of the newest are looked at first.
const NEWEST: i64 = 500;
/// How many are fetched by their ids at the most.
const FEW: usize = 1_000;
/// Words that the index is asked about: further ones narrow little.
const ASKED: usize = 4;

/// Where the newest patients begin that a page in the order of the list is most likely among; none where the list has
/// another order, or the page is not the next one.
pub(super) fn newest<F>(db: &mut Db, list: &List<F>) -> Result<Option<Key>> {
    let after = match list.paging {
        _ if list.order.is_some() => return Ok(None),
        Paging::Page { number: 1, .. } | Paging::After { id: None, .. } => None,
        Paging::After { id, .. } => id,
        Paging::Page { .. } => return Ok(None),
    };
    let mut ids = patients::table.select(patients::id).order(patients::id.desc()).into_boxed();
    if let Some(id) = after {
        ids = ids.filter(patients::id.lt(Key(id)));
    }
    Ok(ids.offset(NEWEST).limit(1).first(db).optional()?)
}

/// What an index by itself says of a page where the newest come first and nothing but the words narrows the list.
pub(super) enum Page {
    /// It has found all who have the words: so many, and on the page are these.
    Found { ids: Vec<Key>, count: i64 },
    /// Too many have them.
    Many,
    /// It cannot tell.
    Untold,
}

/// The page of those who have these words, where an index tells it.
pub(super) fn page<F>(db: &mut Db, list: &List<F>, words: &[String]) -> Result<Page> {
    let Db::Pg(connection) = db else { return Ok(Page::Untold) };
    let Some(patterns) = patterns(words).filter(|patterns| patterns.len() == words.len()) else {
        return Ok(Page::Untold);
    };
    let before = match list.paging {
        Paging::After { id, .. } => id.map(Key),
        Paging::Page { .. } => None,
    };
    let part = Part { before, limit: list.paging.limit(), offset: list.paging.offset() };
    let rows: Vec<(i64, Option<Key>)> =
        PageByIndex { by_index: ByIndex { patterns }, part }.load(connection)?;
    let count = rows.first().map_or(0, |(count, _)| *count);
    if count >= limit() {
        return Ok(Page::Many);
    }
    Ok(Page::Found { ids: rows.into_iter().filter_map(|(_, id)| id).collect(), count })
}

/// Whether so many were few enough to be fetched by an index.
pub(super) fn is_few(count: Option<i64>) -> bool {
    count.is_some_and(|count| count < limit())
}

/// All whose text has these words, and maybe some more, if they are few; none when they are not, or when the index
/// cannot tell.
pub(super) fn few(db: &mut Db, words: &[String]) -> Result<Option<Vec<Key>>> {
    let few = match db {
        Db::Pg(connection) => match patterns(words) {
            Some(patterns) => Some(ByIndex { patterns }.load(connection)?),
            None => None,
        },
        Db::Sqlite(connection) => few_sqlite(connection, words)?,
    };
    Ok(few.filter(|few| few.len() <= FEW))
}

fn limit() -> i64 {
    i64::try_from(FEW).unwrap_or(i64::MAX).saturating_add(1)
}

/// The longest words, which the fewest have.
fn telling(words: &[String], told: impl Fn(&str) -> bool) -> Vec<&str> {
    let mut telling: Vec<&str> = words.iter().map(String::as_str).filter(|word| told(word)).collect();
    telling.sort_by_key(|word| std::cmp::Reverse(word.len()));
    telling.truncate(ASKED);
    telling
}

/// What PostgreSQL's index is asked for; none when it can tell nothing.
fn patterns(words: &[String]) -> Option<Vec<String>> {
    let told = telling(words, is_indexed);
    (!told.is_empty()).then(|| told.into_iter().map(like_pattern).collect())
}

/// They have the letters, three by three, and maybe not one after the other.
fn few_sqlite(connection: &mut SqliteConnection, words: &[String]) -> Result<Option<Vec<Key>>> {
    let words = telling(words, |word| word.chars().nth(2).is_some());
    if words.is_empty() {
        return Ok(None);
    }
    let query = diesel::sql_query(BY_TRIGRAMS).bind::<Text, _>(all_trigrams(&words));
    let found: Vec<Id> = query.bind::<BigInt, _>(limit()).load(connection)?;
    Ok(Some(found.into_iter().map(|row| row.id).collect()))
}

const BY_TRIGRAMS: &str = "SELECT patient_id AS id FROM patient_places WHERE place IN
    (SELECT rowid FROM patient_trigrams WHERE patient_trigrams MATCH ? LIMIT ?)";

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Uid)]
    id: Key,
}

/// Each three letters of the words, as FTS5 reads it.
fn all_trigrams(words: &[&str]) -> String {
    let mut all = Vec::new();
    for word in words {
        let letters: Vec<char> = word.chars().collect();
        for three in letters.windows(3) {
            let three: String = three.iter().collect();
            all.push(format!("\"{}\"", three.replace('"', "\"\"")));
        }
    }
    all.sort_unstable();
    all.dedup();
    all.join(" AND ")
}

/// A part of the query that is planned for all of its rows, and so from the index, while no more are fetched than are
/// asked for. Planned for a few, PostgreSQL would go through the table and hope to meet them soon.
struct ByIndex {
    patterns: Vec<String>,
}

impl RunQueryDsl<PgConnection> for ByIndex {}

impl QueryId for ByIndex {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for ByIndex {
    type SqlType = Uid;
}

impl QueryFragment<Pg> for ByIndex {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH found AS MATERIALIZED (SELECT id FROM patients");
        for (index, pattern) in self.patterns.iter().enumerate() {
            out.push_sql(if index == 0 { " WHERE search_text LIKE " } else { " AND search_text LIKE " });
            out.push_bind_param::<Text, _>(pattern)?;
            out.push_sql(r" ESCAPE '\'");
        }
        out.push_sql(&format!(") SELECT id FROM found LIMIT {}", limit()));
        Ok(())
    }
}

/// The ids of one page of what [`ByIndex`] finds, each with the number of all; without an id where the page has none.
struct PageByIndex {
    by_index: ByIndex,
    part: Part,
}

/// Which part of it, the newest first.
struct Part {
    before: Option<Key>,
    limit: i64,
    offset: i64,
}

impl RunQueryDsl<PgConnection> for PageByIndex {}

impl QueryId for PageByIndex {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for PageByIndex {
    type SqlType = (BigInt, Nullable<Uid>);
}

impl QueryFragment<Pg> for PageByIndex {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Part { before, limit, offset } = &self.part;
        out.push_sql("WITH few AS MATERIALIZED (");
        self.by_index.walk_ast(out.reborrow())?;
        out.push_sql("), page AS (SELECT id FROM few");
        if let Some(before) = before {
            out.push_sql(" WHERE id < ");
            out.push_bind_param::<Uid, _>(before)?;
        }
        out.push_sql(" ORDER BY id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(limit)?;
        out.push_sql(" OFFSET ");
        out.push_bind_param::<BigInt, _>(offset)?;
        out.push_sql(") SELECT all_of_them.count, page.id FROM (SELECT count(*) FROM few) AS all_of_them");
        out.push_sql(" LEFT JOIN page ON true ORDER BY page.id DESC");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
