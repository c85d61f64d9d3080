//! Sends what is due. One task takes it up, and somewhat more than there are places; the places of a webhook take from that,
//! one delivery after the other; another task writes down how they ended. So no place waits for the database, nor one of
//! the tasks for the other. Each webhook has places of its own, so one that is slow takes none from the others.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join;
use hms_model::id::{Id, WebhookId};
use hms_problem::Problem;
use hms_service::{Context, Stop};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};

use super::post::{Poster, Request};
use super::seal::Seal;
use super::settings::WebhookSettings;
use crate::domain::webhook::{Attempt, Delivery, Outcome, Verdict};
use crate::guard::OfTheMachine;
use crate::traces::Traces;

mod claim;
mod lane;
mod lanes;
mod settle;
mod target;

use claim::{Claim, Taken};
use lanes::Lanes;
use target::{Ready, Target};

/// How often to look although nobody asked: for deliveries of a process that died.
const SWEEP: Duration = Duration::from_secs(30);
/// How long to leave deliveries alone that are due but that another replica is just taking up.
const PAUSE: Duration = Duration::from_millis(200);
/// Attempts that are written down together at most. As many may wait meanwhile, and then the places do: who is killed has made
/// no more that nobody knows of.
const TOGETHER: usize = 128;
/// How long an attempt that has ended waits for others that do, before it is written down.
const LINGER: Duration = Duration::from_millis(5);
/// How long to leave the database alone after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The tasks that send.
pub struct Sender {
    context: Context,
    settings: WebhookSettings,
    poster: Poster,
    seal: Arc<Seal>,
    wake: Arc<Notify>,
    lanes: Arc<Lanes>,
}

/// An attempt that has ended.
pub struct Tried {
    pub delivery: Delivery,
    pub attempt: Attempt,
}

impl Sender {
    /// A sender that looks again whenever `wake` tells it to.
    pub fn new(
        context: Context,
        settings: WebhookSettings,
        seal: Arc<Seal>,
        wake: Arc<Notify>,
    ) -> anyhow::Result<Self> {
        let poster = Poster::new(settings.rules.clone(), settings.timeout, Arc::new(OfTheMachine))?;
        Ok(Self { context, settings, poster, seal, wake, lanes: Arc::default() })
    }

    /// Sends until the service stops. What is under way then has its time to end; what is cut off is sent again when
    /// its lease is over.
    pub async fn run(self, stop: Stop) {
        let (this, (ended, results)) = (Arc::new(self), mpsc::channel(TOGETHER));
        // Who writes down has all when nobody is left who tries.
        join(this.take_up(ended, stop), this.write_down(results)).await;
    }

    /// Takes up what is due, and hands it to the places.
    async fn take_up(self: &Arc<Self>, ended: mpsc::Sender<Tried>, stop: Stop) {
        // They are kept until they are put back: whoever fails does so the next time.
        let mut back = Vec::new();
        let mut prune_next = Instant::now();
        while !stop.is_told() {
            back.extend(self.lanes.stale());
            let prune = self.lanes.rest() || prune_next <= Instant::now();
            let rest = match self.look(&mut back, prune).await {
                Ok(claim) => {
                    prune_next = if prune { Instant::now() + SWEEP } else { prune_next };
                    self.begin(claim.taken, &ended).await;
                    claim.rest
                }
                // It was logged where it happened; the database comes back by itself.
                Err(_) => AFTER_FAILURE,
            };
            let rest = if self.lanes.wait() { rest.min(lane::FRESH) } else { rest };
            tokio::select! {
                () = self.wake.notified() => {}
                () = self.lanes.hungry() => {}
                () = sleep(rest) => {}
                () = stop.told() => {}
            }
        }
        back.extend(self.lanes.waiting());
        if !back.is_empty() {
            // Without it others take them up after their leases.
            let _kept = self.context.write(move |work| claim::put_back(work, &back)).await;
        }
    }

    /// Puts back what has waited for too long, and takes up what is due, in one transaction.
    async fn look(&self, back: &mut Vec<Delivery>, prune: bool) -> Result<Claim, Problem> {
        let waited = Arc::new(std::mem::take(back));
        let (putting, lanes, room) = (Arc::clone(&waited), Arc::clone(&self.lanes), self.lanes.room());
        let keep = prune.then_some(self.settings.keep);
        let outcome = self
            .context
            .write(move |work| {
                keep.map_or(Ok(()), |keep| claim::prune(work, keep))?;
                claim::put_back(work, &putting)?;
                claim::claim(work, &room, &lanes)
            })
            .await;
        match outcome {
            Ok(_) => self.lanes.let_go(waited.iter()),
            Err(_) => *back = Arc::unwrap_or_clone(waited),
        }
        outcome
    }

    /// Lets what was taken up wait for a place, and fills those that are free.
    async fn begin(self: &Arc<Self>, taken: Vec<Taken>, ended: &mpsc::Sender<Tried>) {
        let events = taken.iter().flat_map(|one| &one.deliveries).map(|delivery| delivery.event_id);
        let traces = Arc::new(Traces::of(&self.context, events.collect()).await);
        for Taken { hook, deliveries, more } in taken {
            let (webhook, to) = (hook.id, Arc::new(Target::open(&self.seal, hook)));
            let ready = deliveries.into_iter().map(|delivery| Ready {
                delivery,
                to: Arc::clone(&to),
                traces: Arc::clone(&traces),
            });
            for _ in 0..self.lanes.add(webhook, ready.collect(), more) {
                tokio::spawn(Arc::clone(self).place(webhook, ended.clone()));
            }
        }
    }

    /// A place of a webhook, as long as something waits for it.
    async fn place(self: Arc<Self>, webhook: WebhookId, ended: mpsc::Sender<Tried>) {
        while let Some(ready) = self.lanes.next(webhook) {
            let begun = Instant::now();
            let tried = self.attempt(ready).await;
            self.lanes.ended(webhook, begun.elapsed());
            if tried.attempt.outcome.verdict() == Verdict::Gone {
                self.lanes.drop_waiting(webhook);
            }
            // Who writes waits for what is under way.
            let _gone = ended.send(tried).await;
        }
    }

    /// Makes one attempt, which comes to an end whatever happens.
    async fn attempt(&self, ready: Ready) -> Tried {
        let Ready { delivery, to, traces } = ready;
        let span = traces.span("deliver webhook", delivery.event_id);
        let at = self.context.clock.now();
        let keys = to.keys(at);
        let request = Request {
            url: &to.url,
            event_id: delivery.event_id,
            payload: &delivery.payload,
            at,
            keys: &keys,
        };
        let outcome = if keys.is_empty() {
            unsigned()
        } else {
            let posted = std::panic::AssertUnwindSafe(self.poster.post(request)).catch_unwind();
            span.run(posted).await.unwrap_or_else(|_| unsigned())
        };
        match outcome.status {
            Some(status) => span.set("http.response.status_code", i64::from(status)),
            None => span.fail("no answer"),
        }
        drop(span);
        let attempt = Attempt {
            id: Id::new(at),
            delivery_id: delivery.id,
            number: delivery.attempts,
            url: to.url.clone(),
            at,
            outcome,
        };
        Tried { delivery, attempt }
    }

    /// Writes down how attempts ended, those together that end at about the same time: a transaction of many costs hardly
    /// more than one of one.
    async fn write_down(&self, mut results: mpsc::Receiver<Tried>) {
        let mut tried = Vec::new();
        while results.recv_many(&mut tried, TOGETHER).await > 0 {
            let _not_all = timeout(LINGER, gather(&mut results, &mut tried)).await;
            let ended = Arc::new(std::mem::take(&mut tried));
            loop {
                let writing = Arc::clone(&ended);
                match self.context.write(move |work| settle::settle(work, &writing)).await {
                    Ok(()) => break,
                    // As above.
                    Err(_) => sleep(AFTER_FAILURE).await,
                }
            }
            self.lanes.let_go(ended.iter().map(|one| &one.delivery));
        }
    }
}

async fn gather(results: &mut mpsc::Receiver<Tried>, tried: &mut Vec<Tried>) {
    while tried.len() < TOGETHER && results.recv_many(tried, TOGETHER - tried.len()).await > 0 {}
}

fn unsigned() -> Outcome {
    let error = Some("it could not be signed: see the log of the service".to_owned());
    Outcome { status: None, body: None, retry_after: None, error, took_ms: 0 }
}
