//! Finding patients by parts of words without going through all of them.
//!
//! What many are found by, the newest of them have too; what few are found by, an index by three letters has. Which of
//! both it is, a plan that is made once for any word cannot know. So the newest are looked at first, then the index is
//! asked for so many that it costs little, and only what is frequent and yet not among the newest is looked for in order.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
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

/// Patients that an index has found.
pub(super) struct Few {
    /// Who they are.
    pub ids: Vec<Key>,
    /// Whether each of them has the words.
    pub exact: bool,
}

/// All whose text has these words, and maybe some more, if they are few; none when they are not, or when the index
/// cannot tell.
pub(super) fn few(db: &mut Db, words: &[String]) -> Result<Option<Few>> {
    let few = match db {
        Db::Pg(connection) => few_pg(connection, words)?,
        Db::Sqlite(connection) => few_sqlite(connection, words)?,
    };
    Ok(few.filter(|few| few.ids.len() <= FEW))
}

/// Those of these that a page shows where the newest come first.
pub(super) fn page<F>(list: &List<F>, ids: &[Key]) -> Vec<Key> {
    let mut ids = match list.paging {
        Paging::After { id: Some(id), .. } => ids.iter().copied().filter(|one| *one < Key(id)).collect(),
        _ => ids.to_vec(),
    };
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let (offset, limit) = (list.paging.offset(), list.paging.limit());
    let as_count = |number| usize::try_from(number).unwrap_or(usize::MAX);
    ids.into_iter().skip(as_count(offset)).take(as_count(limit)).collect()
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

fn few_pg(connection: &mut PgConnection, words: &[String]) -> Result<Option<Few>> {
    let told = telling(words, is_indexed);
    if told.is_empty() {
        return Ok(None);
    }
    let exact = told.len() == words.len();
    let patterns = told.into_iter().map(like_pattern).collect();
    Ok(Some(Few { ids: ByIndex { patterns }.load(connection)?, exact }))
}

fn few_sqlite(connection: &mut SqliteConnection, words: &[String]) -> Result<Option<Few>> {
    let words = telling(words, |word| word.chars().nth(2).is_some());
    if words.is_empty() {
        return Ok(None);
    }
    let query = diesel::sql_query(BY_TRIGRAMS).bind::<Text, _>(all_trigrams(&words));
    let found: Vec<Id> = query.bind::<BigInt, _>(limit()).load(connection)?;
    // It has the letters, three by three, and maybe not one after the other.
    Ok(Some(Few { ids: found.into_iter().map(|row| row.id).collect(), exact: false }))
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

#[cfg(test)]
mod tests;
