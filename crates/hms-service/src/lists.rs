//! What is remembered of a list for a moment: how many rows it has in all, and where some of them stand. Whoever leafs
//! through a list, or types into a search, would have the same rows counted again and again, and those of all pages
//! before passed over, which is what costs most about a page.
//!
//! It is forgotten with the next write of this process, so that whoever has added a row sees it, and sees it counted.
//! Writes of other replicas are seen [`FRESH`] later at the most.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hms_api::{Filters, List, Paging};
use hms_db::Database;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use uuid::Uuid;

/// How old what is remembered may be.
const FRESH: Duration = Duration::from_secs(5);
/// Of how many lists something is remembered.
const REMEMBERED: usize = 1_024;
/// Of how many rows of each it is known where they stand.
const PLACES: usize = 512;

/// What was learned of lists lately; clones share it.
#[derive(Clone)]
pub(crate) struct Lists {
    database: Database,
    known: Arc<Cache<String, Arc<Learned>>>,
}

/// What was learned of one list, as long as nothing was written.
struct Learned {
    at: Instant,
    writes: u64,
    count: Mutex<Option<i64>>,
    /// The rows that stand at these places, the newest first.
    places: Mutex<BTreeMap<i64, Uuid>>,
}

/// What is known of a list before its rows are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// How many rows there are in all.
    pub count: Option<i64>,
    /// The last row before the page, or its first one, that is known.
    pub near: Option<Place>,
}

/// Where a row stands in a list that has the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// How many rows stand before it.
    pub offset: i64,
    /// The row.
    pub id: Uuid,
}

impl Lists {
    pub fn new(database: Database) -> Self {
        Self { database, known: Arc::new(Cache::new(REMEMBERED)) }
    }

    /// Begins to ask for a part of a list; before the rows are read, so that a write meanwhile is not missed.
    pub fn ask<F: Filters>(&self, list: &List<F>) -> Asked {
        let (name, writes) = (list.narrowed(), self.database.writes());
        let learned = self.known.get(&name).filter(|learned| learned.is_true(writes)).unwrap_or_else(|| {
            let learned = Arc::new(Learned::nothing(writes));
            self.known.insert(name, Arc::clone(&learned));
            learned
        });
        // Where rows stand is known of lists that have the newest first, and are leafed through by number.
        let by_number = list.order.is_none() && matches!(list.paging, Paging::Page { .. });
        Asked { learned, offset: by_number.then(|| list.paging.offset()) }
    }
}

impl Learned {
    fn nothing(writes: u64) -> Self {
        Self { at: Instant::now(), writes, count: Mutex::default(), places: Mutex::default() }
    }

    fn is_true(&self, writes: u64) -> bool {
        self.writes == writes && self.at.elapsed() < FRESH
    }
}

/// A part of a list that is asked for.
pub struct Asked {
    learned: Arc<Learned>,
    /// How many rows are before it; nothing where it is not known of them where they stand.
    offset: Option<i64>,
}

impl Asked {
    /// What is known of the list.
    pub fn known(&self) -> Known {
        let count = *self.learned.count.lock();
        // The first page is read as it is: it has what others have added.
        let near = self.offset.filter(|offset| *offset > 0).and_then(|offset| {
            let places = self.learned.places.lock();
            places.range(..=offset).next_back().map(|(offset, id)| Place { offset: *offset, id: *id })
        });
        Known { count, near }
    }

    /// Remembers how many rows there are, as far as that is known now, and where those of this page stand.
    pub fn learn(
        self,
        count: Option<i64>,
        mut page: impl DoubleEndedIterator<Item = Uuid> + ExactSizeIterator,
    ) {
        if count.is_some() {
            *self.learned.count.lock() = count;
        }
        let Some(offset) = self.offset else { return };
        let last = i64::try_from(page.len()).map(|rows| offset.saturating_add(rows) - 1);
        let (Some(id), Ok(last)) = (page.next_back(), last) else { return };
        // The page before this one leads to it as well, and this one to the next.
        let mut places = self.learned.places.lock();
        let begins = page.next().filter(|_| places.range(offset - 1..=offset).next().is_none());
        for (offset, id) in begins.map(|id| (offset, id)).into_iter().chain([(last, id)]) {
            if places.len() < PLACES {
                places.insert(offset, id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hms_api::list_filters;
    use hms_db::{Backend, Db, Error, Migrations, PoolOptions};
    use hms_testkit::database::TestDatabase;

    use super::*;

    list_filters! {
        /// Nothing but the age.
        struct Ages {
            age: u16 = Set,
        }
        search: None,
        ordering: ["age"],
    }

    fn list(query: &str) -> List<Ages> {
        List::parse("/people", query).unwrap()
    }

    async fn lists() -> (TestDatabase, Lists) {
        let own = TestDatabase::new(Backend::Sqlite, "lists", &Migrations::new()).await;
        let lists = Lists::new(Database::new(own.url.clone(), PoolOptions::default()));
        (own, lists)
    }

    /// Row number `n` of a list has the id `n`.
    fn rows(numbers: std::ops::Range<u32>) -> Vec<Uuid> {
        numbers.map(|number| Uuid::from_u128(number.into())).collect()
    }

    fn place(offset: u32) -> Option<Place> {
        Some(Place { offset: offset.into(), id: Uuid::from_u128(offset.into()) })
    }

    #[tokio::test]
    async fn a_count_is_known_until_this_process_writes() {
        let (_own, lists) = lists().await;
        let count = |query| lists.ask(&list(query)).known().count;
        assert_eq!(count(""), None);
        lists.ask(&list("")).learn(Some(7), rows(0..7).into_iter());
        assert_eq!(count("page=3&ordering=-age"), Some(7));
        assert_eq!(count("age=9"), None);
        let before = lists.ask(&list("age=9"));
        lists.database.write_apart(|_: &mut Db| Ok::<_, Error>(())).await.unwrap();
        assert_eq!(count(""), Some(7), "books beside it change nothing");
        lists.database.write(|_: &mut Db| Ok::<_, Error>(())).await.unwrap();
        assert_eq!(count(""), None, "it may be one more now");
        before.learn(Some(1), rows(0..1).into_iter());
        assert_eq!(count("age=9"), None, "counted before the write, or after");
    }

    #[tokio::test]
    async fn the_nearest_row_before_a_page_is_known() {
        let (_own, lists) = lists().await;
        let near = |query| lists.ask(&list(query)).known().near;
        assert_eq!(near("page=3"), None);
        lists.ask(&list("page=3")).learn(None, rows(50..75).into_iter());
        assert_eq!(near("page=3"), place(50));
        assert_eq!(near("page=4"), place(74));
        assert_eq!(near("page=7&page_size=10"), place(50));
        assert_eq!(near("page=2"), None, "it is behind");
        assert_eq!(near("page=4&ordering=age"), None);
        assert_eq!(near("page=4&age=9"), None);
        lists.database.write(|_: &mut Db| Ok::<_, Error>(())).await.unwrap();
        assert_eq!(near("page=4"), None, "another may stand there now");
    }

    #[tokio::test]
    async fn the_first_page_and_cursors_are_read_as_they_are() {
        let (_own, lists) = lists().await;
        lists.ask(&list("")).learn(None, rows(0..25).into_iter());
        lists.ask(&list("cursor=AAAAAAAAAAAAAAAAAAAAAA")).learn(None, rows(90..99).into_iter());
        let near = |query| lists.ask(&list(query)).known().near;
        assert_eq!(near(""), None);
        assert_eq!(near("cursor="), None);
        assert_eq!(near("page=2"), place(24));
    }

    #[tokio::test]
    async fn what_is_remembered_of_a_list_has_an_end() {
        let (_own, lists) = lists().await;
        let pages = u32::try_from(PLACES).unwrap();
        for page in 1..=pages {
            let asked = lists.ask(&list(&format!("page={page}")));
            asked.learn(None, rows((page - 1) * 25..page * 25).into_iter());
        }
        assert_eq!(lists.ask(&list("")).learned.places.lock().len(), PLACES);
        let nothing = lists.ask(&list("page=9"));
        nothing.learn(Some(0), rows(0..0).into_iter());
    }
}
