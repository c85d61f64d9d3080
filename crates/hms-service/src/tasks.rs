//! What a service does beside its requests, for as long as it runs.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a task may take to end when the service stops.
const PATIENCE: Duration = Duration::from_secs(10);

/// The tasks of a service; clones are the same.
#[derive(Clone, Default)]
pub struct Tasks {
    closing: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    running: Arc<Mutex<JoinSet<()>>>,
}

/// Tells a task when its service stops.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Tasks {
    /// Starts a task. It should end soon after it is told to; what it had not done by then, it finds again after
    /// the next start.
    pub fn spawn<F>(&self, task: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = Stop(self.stop.subscribe());
        self.running.lock().spawn(task(stop));
    }

    /// Tells when the service takes no new requests: answers that would never end by themselves, such as streams, end
    /// then, and do not keep the others waiting.
    pub fn closing(&self) -> Stop {
        Stop(self.closing.subscribe())
    }

    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Ends them all; one that takes too long is cut off.
    pub(crate) async fn end(&self) {
        self.stop.send_replace(true);
        let mut running = std::mem::take(&mut *self.running.lock());
        let all = async { while running.join_next().await.is_some() {} };
        // The rest ends with the set.
        let _in_time = timeout(PATIENCE, all).await;
    }
}

impl Stop {
    /// Whether it is time to end.
    pub fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is time to end.
    pub async fn told(&self) {
        // A service that is gone altogether counts as stopped.
        let mut told = self.0.clone();
        let _gone = told.wait_for(|told| *told).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_a_task_to_finish_what_it_has_in_hand() {
        let tasks = Tasks::default();
        let done = Arc::new(Mutex::new(false));
        let noted = done.clone();
        tasks.spawn(|stop| async move {
            stop.told().await;
            tokio::task::yield_now().await;
            *noted.lock() = stop.is_told();
        });
        tasks.end().await;
        assert!(*done.lock());
    }
}
