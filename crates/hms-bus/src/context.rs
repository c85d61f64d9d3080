//! What the tasks of one service's bus share.

use std::sync::Arc;
use std::time::Duration;

use hms_db::Database;
use hms_model::Clock;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::board::Board;
use crate::{Options, outbox};

/// How long something that nobody waits for waits for company.
const COMPANY: Duration = Duration::from_millis(50);

/// Wakes the relay, and whoever does jobs. Cheap: call it after each commit that wrote to the outbox; calls that come while
/// they work count as one.
#[derive(Clone, Debug, Default)]
pub struct Relay {
    now: watch::Sender<()>,
    soon: watch::Sender<()>,
}

impl Relay {
    /// There may be something in the outbox.
    pub fn wake(&self) {
        self.now.send_replace(());
    }

    /// There may be something in the outbox for which nobody waits, such as the trace of a look: it goes with the next that
    /// somebody does wait for, or 50 ms later with what else has come by then. A hand-over costs the same for one as for fifty.
    pub fn wake_soon(&self) {
        self.soon.send_replace(());
    }

    pub(crate) fn listen(&self) -> Woken {
        Woken { now: self.now.subscribe(), soon: self.soon.subscribe(), company: COMPANY, due: None }
    }
}

/// One who is woken, by what comes after it began to listen.
pub(crate) struct Woken {
    now: watch::Receiver<()>,
    soon: watch::Receiver<()>,
    /// How long to wait for company,
    company: Duration,
    /// and until when, once something does.
    due: Option<Instant>,
}

impl Woken {
    /// Who stops to wait here, and comes back, has missed nothing.
    pub async fn woken(&mut self) {
        tokio::select! {
            () = changed(&mut self.now) => {}
            () = alone_too_long(&mut self.soon, &mut self.due, self.company) => {}
        }
        // Both go with what wakes now.
        self.soon.mark_unchanged();
        self.due = None;
    }
}

async fn alone_too_long(soon: &mut watch::Receiver<()>, due: &mut Option<Instant>, company: Duration) {
    let due = match *due {
        Some(due) => due,
        None => {
            changed(soon).await;
            *due.insert(Instant::now() + company)
        }
    };
    sleep_until(due).await;
}

async fn changed(receiver: &mut watch::Receiver<()>) {
    if receiver.changed().await.is_err() {
        // Nobody is left who could.
        std::future::pending().await
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const EVER: Duration = Duration::from_secs(60 * 60);
    const A_MOMENT: Duration = Duration::from_millis(5);

    #[tokio::test]
    async fn what_nobody_waits_for_goes_with_what_somebody_does_or_a_moment_later() {
        let relay = Relay::default();
        let mut woken = Woken { company: EVER, ..relay.listen() };
        relay.wake_soon();
        assert!(woken.woken().now_or_never().is_none());
        relay.wake();
        assert!(woken.woken().now_or_never().is_some());
        assert!(woken.woken().now_or_never().is_none(), "both went together");

        woken.company = A_MOMENT;
        relay.wake_soon();
        let begun = Instant::now();
        woken.woken().await;
        assert!(begun.elapsed() >= A_MOMENT, "{:?}", begun.elapsed());

        relay.wake_soon();
        assert!(woken.woken().now_or_never().is_none());
        woken.company = EVER;
        relay.wake_soon();
        woken.woken().await;
        assert!(woken.woken().now_or_never().is_none(), "the second one was the first one's company");
    }
}
