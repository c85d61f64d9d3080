//! The table that is in force. A new one takes its place in one step: a request that has its route keeps it to
//! its end, and the next one gets the new one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;

use super::{RouteTable, TableError};

/// Where a table comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, which may change.
    File(PathBuf),
    /// The list of services on this machine, their ports moved by this.
    Services(u16),
    /// Whoever started the gateway.
    Given,
}

/// The table in force, and where it came from.
#[derive(Debug)]
pub struct Routes {
    table: ArcSwap<RouteTable>,
    source: Source,
    /// Held while a new table is made, so that none is made from one that is no longer in force.
    loading: Mutex<()>,
    loaded: AtomicU64,
    refused: AtomicU64,
}

/// What reading the table again came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Loaded {
    /// How often a table has been taken since the start.
    pub generation: u64,
    /// Services in it.
    pub upstreams: usize,
    /// Routes in it, beside those by name.
    pub routes: usize,
}

impl From<RouteTable> for Routes {
    fn from(table: RouteTable) -> Self {
        Self::new(table, Source::Given)
    }
}

impl Routes {
    fn new(table: RouteTable, source: Source) -> Self {
        Self {
            table: ArcSwap::from_pointee(table),
            source,
            loading: Mutex::new(()),
            loaded: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Reads the table for the first time.
    pub fn open(source: Source) -> Result<Self, TableError> {
        let table = match &source {
            Source::Given => return Err(TableError::Empty),
            source => read(source)?,
        };
        Ok(Self::new(table.unwrap_or_default(), source))
    }

    /// The table in force now.
    pub fn load(&self) -> Guard<Arc<RouteTable>> {
        self.table.load()
    }

    /// The same, to be held for longer.
    pub fn load_full(&self) -> Arc<RouteTable> {
        self.table.load_full()
    }

    /// Where it came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// How often a new table was taken, and how often one was refused.
    pub fn counts(&self) -> (u64, u64) {
        (self.loaded.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    /// Reads the table again. One that cannot be used changes nothing.
    pub fn reload(&self) -> Result<Loaded, TableError> {
        let _one_at_a_time = self.loading.lock();
        let table = read(&self.source).inspect_err(|error| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "the new table of routes is refused, the old one stays");
        })?;
        if let Some(table) = table {
            let before = self.table.load();
            self.table.store(Arc::new(table.continuing(&before)));
        }
        self.loaded.fetch_add(1, Ordering::Relaxed);
        let loaded = self.describe();
        tracing::info!(
            loaded.generation,
            loaded.upstreams,
            loaded.routes,
            "the table of routes was read again"
        );
        Ok(loaded)
    }

    /// The table in force in figures.
    pub fn describe(&self) -> Loaded {
        let table = self.load();
        Loaded {
            generation: self.counts().0,
            upstreams: table.upstreams().count(),
            routes: table.routes().len(),
        }
    }
}

/// The table of a source, where there is something to read.
fn read(source: &Source) -> Result<Option<RouteTable>, TableError> {
    match source {
        Source::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| TableError::Unreadable {
                path: path.display().to_string(),
                reason: error.to_string(),
            })?;
            RouteTable::parse(&text).map(Some)
        }
        Source::Services(offset) => RouteTable::of_services(*offset).map(Some),
        Source::Given => Ok(None),
    }
}
