//! What the tasks of one service's bus share.

use std::sync::Arc;
use std::time::Duration;

use hms_db::Database;
use hms_model::Clock;
use tokio::sync::watch;

use crate::board::Board;
use crate::{Options, outbox};

/// Wakes the relay, and whoever does jobs. Cheap: call it after each commit that wrote to the outbox; calls that come while
/// they work count as one.
#[derive(Clone, Debug, Default)]
pub struct Relay(watch::Sender<()>);

impl Relay {
    /// There may be something in the outbox.
    pub fn wake(&self) {
        self.0.send_replace(());
    }

    pub(crate) fn listen(&self) -> Woken {
        Woken(self.0.subscribe())
    }
}

/// One who is woken, by what comes after it began to listen.
pub(crate) struct Woken(watch::Receiver<()>);

impl Woken {
    pub async fn woken(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is left who could.
            std::future::pending().await
        }
    }
}

/// Told once, when the service stops.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    pub fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is told; a sender that is gone counts as told.
    pub async fn told(&self) {
        let _ = self.0.clone().wait_for(|told| *told).await;
    }

    /// Waits for a time; false when the service stops meanwhile.
    pub async fn pause(&self, time: Duration) -> bool {
        tokio::select! {
            () = self.told() => false,
            () = tokio::time::sleep(time) => true,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Context {
    pub service: &'static str,
    /// What carries the events, by its name in a trace.
    pub system: &'static str,
    pub database: Database,
    pub clock: Clock,
    pub options: Arc<Options>,
    pub board: Arc<Board>,
    pub relay: Relay,
    pub stop: Stop,
}

impl Context {
    /// Writes the depth of the outbox on the board.
    pub async fn measure(&self) {
        match self.database.read(outbox::depth).await {
            Ok((count, oldest)) => self.board.depth(count, oldest),
            Err(error) => {
                tracing::debug!(service = self.service, %error, "the outbox could not be measured");
            }
        }
    }
}
