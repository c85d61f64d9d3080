//! How many rows a list has in all, remembered for a moment: whoever leafs through a list, or types into a search, would
//! have the same rows counted again and again, and counting is what costs most about a page.
//!
//! A count is forgotten with the next write of this process, so that whoever has added a row sees it counted. Writes of
//! other replicas are seen [`FRESH`] later at the most.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hms_db::Database;
use quick_cache::sync::Cache;

/// How old a count may be.
const FRESH: Duration = Duration::from_secs(5);
/// How many are remembered.
const REMEMBERED: usize = 1_024;

/// What was counted lately; clones share it.
#[derive(Clone)]
pub(crate) struct Counts {
    database: Database,
    known: Arc<Cache<String, Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    count: i64,
    at: Instant,
    writes: u64,
}

impl Counts {
    pub fn new(database: Database) -> Self {
        Self { database, known: Arc::new(Cache::new(REMEMBERED)) }
    }

    /// Asks before the rows are read, so that a write meanwhile is not missed.
    pub fn ask(&self, name: String) -> Counted {
        let writes = self.database.writes();
        let known =
            self.known.get(&name).filter(|known| known.writes == writes && known.at.elapsed() < FRESH);
        Counted { known: known.map(|known| known.count), name, writes, counts: self.clone() }
    }
}

/// What is known of the number of rows of a list.
pub struct Counted {
    name: String,
    writes: u64,
    known: Option<i64>,
    counts: Counts,
}

impl Counted {
    /// How many there were a moment ago.
    pub fn known(&self) -> Option<i64> {
        self.known
    }

    /// Remembers what was counted now.
    pub fn keep(self, count: Option<i64>) {
        if let (None, Some(count)) = (self.known, count) {
            let known = Known { count, at: Instant::now(), writes: self.writes };
            self.counts.known.insert(self.name, known);
        }
    }
}

#[cfg(test)]
mod tests {
    use hms_db::{Backend, Db, Error, Migrations, PoolOptions};
    use hms_testkit::database::TestDatabase;

    use super::*;

    #[tokio::test]
    async fn a_count_is_known_until_this_process_writes() {
        let own = TestDatabase::new(Backend::Sqlite, "counts", &Migrations::new()).await;
        let counts = Counts::new(Database::new(own.url.clone(), PoolOptions::default()));
        let asked = counts.ask("all".into());
        assert_eq!(asked.known(), None);
        asked.keep(Some(7));
        assert_eq!(counts.ask("all".into()).known(), Some(7));
        assert_eq!(counts.ask("others".into()).known(), None);
        let before = counts.ask("others".into());
        counts.database.write_apart(|_: &mut Db| Ok::<_, Error>(())).await.unwrap();
        assert_eq!(counts.ask("all".into()).known(), Some(7), "books beside it change nothing");
        counts.database.write(|_: &mut Db| Ok::<_, Error>(())).await.unwrap();
        assert_eq!(counts.ask("all".into()).known(), None, "it may be one more now");
        before.keep(Some(1));
        assert_eq!(counts.ask("others".into()).known(), None, "counted before the write, or after");
    }
}
