//! The live stream of the queue: one reader of the database for all listeners of a process.
//!
//! What was changed is numbered in the database in the order of the commits, so that it is the same for all replicas and
//! survives them. The reader is woken by the changes of its own process, and looks twice a second for those of others
//! while somebody listens. LISTEN/NOTIFY would save that look, but it needs a connection and a driver of its own, is not
//! there on SQLite, and does not pass a pooler of transactions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hms_db::Database;
use hms_model::id::DepartmentId;
use hms_problem::Problem;
use hms_service::Stop;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::store::queue::{self, Change};

/// How often to look for the changes of other replicas.
const LOOK: Duration = Duration::from_millis(500);
/// How many changes are at hand for listeners without a look into the database.
const AT_HAND: usize = 1_000;
/// How many are read at once.
const BATCH: i64 = 500;

/// A change as it goes out.
#[derive(Debug)]
pub struct Told {
    /// Its number.
    pub position: i64,
    /// The queue.
    pub department_id: DepartmentId,
    /// The event, as `text/event-stream` has it.
    pub text: Bytes,
}

/// The changes of the queue as they come.
pub struct Feed {
    database: Database,
    closing: Stop,
    wake: Notify,
    newest: watch::Sender<i64>,
    at_hand: Mutex<VecDeque<Arc<Told>>>,
}

impl Feed {
    /// A feed; [`Feed::run`] reads for it. Its streams end when the service closes.
    pub fn new(database: Database, closing: Stop) -> Self {
        let (newest, at_hand) = (watch::Sender::new(0), Mutex::default());
        Self { database, closing, wake: Notify::new(), newest, at_hand }
    }

    /// Something was changed by this process.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Tells whenever there is something new, by its number.
    pub fn listen(&self) -> watch::Receiver<i64> {
        let listener = self.newest.subscribe();
        self.wake();
        listener
    }

    /// Tells when to end.
    pub fn closing(&self) -> Stop {
        self.closing.clone()
    }

    /// Reads until the service stops.
    pub async fn run(self: Arc<Self>, stop: Stop) {
        while !stop.is_told() {
            match self.read().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the changes of the queue could not be read"),
            }
            let is_heard = self.newest.receiver_count() > 0;
            tokio::select! {
                () = stop.told() => return,
                () = self.wake.notified() => {}
                () = sleep(LOOK), if is_heard => {}
            }
        }
    }

    /// Reads what is new; whether there may be more.
    async fn read(&self) -> Result<bool, Problem> {
        let last = *self.newest.borrow();
        if last == 0 {
            let newest = self.database.read(|db| Ok::<_, Problem>(queue::newest(db)?)).await?;
            self.newest.send_if_modified(|last| std::mem::replace(last, newest) != newest);
            return Ok(false);
        }
        let changes = self.database.read(move |db| Ok::<_, Problem>(queue::after(db, last, BATCH)?)).await?;
        let Some(newest) = changes.last().map(|change| change.position) else { return Ok(false) };
        let more = i64::try_from(changes.len()).is_ok_and(|count| count == BATCH);
        {
            let mut at_hand = self.at_hand.lock();
            at_hand.extend(changes.into_iter().map(|change| Arc::new(Told::of(&change))));
            let surplus = at_hand.len().saturating_sub(AT_HAND);
            at_hand.drain(..surplus);
        }
        self.newest.send_replace(newest);
        Ok(more)
    }

    /// What came after this one, in order: from what is at hand, or where that does not reach back far enough, from the
    /// database. None where what came next is not kept any more.
    pub async fn after(&self, position: i64) -> Result<Option<Vec<Arc<Told>>>, Problem> {
        {
            let at_hand = self.at_hand.lock();
            let newer: Vec<_> = at_hand.iter().filter(|told| told.position > position).cloned().collect();
            if newer.first().is_some_and(|first| first.position == position + 1) {
                return Ok(Some(newer));
            }
        }
        let read = move |db: &mut hms_db::Db| {
            let changes = queue::after(db, position, BATCH)?;
            Ok::<_, Problem>((changes, queue::newest(db)?))
        };
        let (changes, newest) = self.database.read(read).await?;
        let follows = match changes.first() {
            Some(first) => first.position == position + 1,
            None => position == newest,
        };
        Ok(follows.then(|| changes.iter().map(|change| Arc::new(Told::of(change))).collect()))
    }

    /// The number of the newest change.
    pub async fn position(&self) -> Result<i64, Problem> {
        self.database.read(|db| Ok(queue::newest(db)?)).await
    }
}

impl Told {
    fn of(change: &Change) -> Self {
        // A change has no field that could fail to become JSON.
        let data = serde_json::to_string(change).unwrap_or_default();
        let text = format!("id: {}\nevent: ticket\ndata: {data}\n\n", change.position);
        Self { position: change.position, department_id: change.department_id, text: text.into() }
    }
}
