//! Sends what is due. Each webhook has places of its own for what is under way, so one that is slow takes none from the
//! others; what ends frees its place, and is written down together with what ended meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use hms_model::id::{Id, WebhookId};
use hms_problem::Problem;
use hms_service::{Context, Stop};
use hms_trace::Span;
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};

use super::post::{Poster, Request};
use super::seal::Seal;
use super::settings::WebhookSettings;
use crate::domain::webhook::{Attempt, Delivery, Hook, Outcome, SigningKey};
use crate::guard::OfTheMachine;
use crate::traces::Traces;

mod claim;
mod settle;

use claim::{Claim, Claimed};

/// Deliveries to one webhook that are under way at the same time, in one process.
pub const PLACES: usize = 16;
/// How often to look although nobody asked: for deliveries of a process that died.
const SWEEP: Duration = Duration::from_secs(30);
/// How long to leave deliveries alone that are due but that another replica is just taking up.
const PAUSE: Duration = Duration::from_millis(200);
/// How long an attempt that has ended waits for others that do, before it is written down.
const LINGER: Duration = Duration::from_millis(2);
/// How long to leave the database alone after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The task that sends.
pub struct Sender {
    context: Context,
    settings: WebhookSettings,
    poster: Poster,
    seal: Arc<Seal>,
    wake: Arc<Notify>,
}

/// An attempt that has ended.
#[derive(Clone)]
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
        Ok(Self { context, settings, poster, seal, wake })
    }

    /// Sends until the service stops. What is under way then has its time to end; what is cut off is sent again when
    /// its lease is over.
    pub async fn run(self, stop: Stop) {
        let (ended, mut results) = mpsc::unbounded_channel();
        let mut under_way: HashMap<WebhookId, usize> = HashMap::new();
        let mut tried: Vec<Tried> = Vec::new();
        loop {
            while let Ok(one) = results.try_recv() {
                free(&mut under_way, &one);
                tried.push(one);
            }
            if stop.is_told() && under_way.is_empty() && tried.is_empty() {
                return;
            }
            let rest = match self.look(&mut tried, &under_way, stop.is_told()).await {
                Ok(claim) => {
                    let events = claim.taken.iter().map(|claimed| claimed.delivery.event_id);
                    let traces = Traces::of(&self.context, events.collect()).await;
                    for claimed in claim.taken {
                        *under_way.entry(claimed.delivery.webhook_id).or_default() += 1;
                        let span = traces.span("deliver webhook", claimed.delivery.event_id);
                        self.start(claimed, span, ended.clone());
                    }
                    claim.rest
                }
                // It was logged where it happened; the database comes back by itself.
                Err(_) => AFTER_FAILURE,
            };
            tokio::select! {
                Some(one) = results.recv() => {
                    free(&mut under_way, &one);
                    tried.push(one);
                    let together = timeout(LINGER, gather(&mut results, &mut under_way, &mut tried));
                    let _not_all = together.await;
                }
                () = self.wake.notified() => {}
                () = sleep(rest) => {}
                () = stop.told(), if !stop.is_told() => {}
            }
        }
    }

    /// Writes down what was tried, and takes up what is due, in one transaction.
    async fn look(
        &self,
        tried: &mut Vec<Tried>,
        under_way: &HashMap<WebhookId, usize>,
        ending: bool,
    ) -> Result<Claim, Problem> {
        let places = (!ending).then(|| under_way.clone());
        // They are kept until they are written: whoever fails writes them the next time.
        let (ended, keep) = (std::mem::take(tried), self.settings.keep);
        let ended = Arc::new(ended);
        let written = Arc::clone(&ended);
        let outcome = self
            .context
            .write(move |work| {
                settle::settle(work, &written)?;
                match places {
                    Some(places) => claim::claim(work, &places, keep),
                    None => Ok(Claim { taken: Vec::new(), rest: PAUSE }),
                }
            })
            .await;
        if outcome.is_err() {
            *tried = Arc::unwrap_or_clone(ended);
        }
        outcome
    }

    /// Makes the attempt in a task of its own, which says how it ended whatever happens.
    fn start(&self, claimed: Claimed, span: Span, ended: mpsc::UnboundedSender<Tried>) {
        let (poster, seal, clock) = (self.poster.clone(), Arc::clone(&self.seal), self.context.clock.clone());
        tokio::spawn(async move {
            let Claimed { hook, delivery } = claimed;
            let at = clock.now();
            let keys = keys(&seal, &hook, at);
            let request = Request {
                url: &hook.url,
                event_id: delivery.event_id,
                payload: &delivery.payload,
                at,
                keys: &keys,
            };
            let outcome = if keys.is_empty() {
                unsigned()
            } else {
                let posted = std::panic::AssertUnwindSafe(poster.post(request)).catch_unwind();
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
                url: hook.url.clone(),
                at,
                outcome,
            };
            // The sender waits for what is under way.
            let _gone = ended.send(Tried { delivery, attempt });
        });
    }
}

/// Attempts that end at about the same time are written down together: a transaction of many costs hardly more than one
/// of one.
async fn gather(
    results: &mut mpsc::UnboundedReceiver<Tried>,
    under_way: &mut HashMap<WebhookId, usize>,
    tried: &mut Vec<Tried>,
) {
    while tried.len() < PLACES && !under_way.is_empty() {
        let Some(one) = results.recv().await else { return };
        free(under_way, &one);
        tried.push(one);
    }
}

fn free(under_way: &mut HashMap<WebhookId, usize>, one: &Tried) {
    let webhook = one.delivery.webhook_id;
    match under_way.get_mut(&webhook) {
        Some(places) if *places > 1 => *places -= 1,
        _ => {
            under_way.remove(&webhook);
        }
    }
}

/// The keys that sign now: the one of the webhook, and the one before while that is still good.
fn keys(seal: &Seal, hook: &Hook, now: DateTime<Utc>) -> Vec<SigningKey> {
    let previous = hook.previous.as_ref().filter(|(_, until)| now < *until).map(|(sealed, _)| sealed);
    let Some(current) = seal.open_sealed(hook.id, hook.signing, &hook.sealed) else {
        tracing::error!(webhook = %hook.id, "its key cannot be opened: it was sealed with another HMS_WEBHOOK_KEY");
        return Vec::new();
    };
    let previous = previous.and_then(|sealed| seal.open_sealed(hook.id, hook.signing, sealed));
    std::iter::once(current).chain(previous).collect()
}

fn unsigned() -> Outcome {
    let error = Some("it could not be signed: see the log of the service".to_owned());
    Outcome { status: None, body: None, retry_after: None, error, took_ms: 0 }
}
