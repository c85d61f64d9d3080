//! What this process has in hand: it waits for a place at its webhook, is under way, or has ended and is not yet written
//! down.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use hms_model::id::{WebhookDeliveryId, WebhookId};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::lane::{Lane, PLACES};
use super::target::Ready;
use crate::domain::webhook::Delivery;

/// The lanes of all webhooks.
#[derive(Default)]
pub struct Lanes {
    inner: Mutex<Inner>,
    hungry: Notify,
}

#[derive(Default)]
struct Inner {
    lanes: HashMap<WebhookId, Lane<Ready>>,
    in_hand: HashSet<WebhookDeliveryId>,
}

/// How many deliveries to each webhook may be taken up.
pub struct Room(HashMap<WebhookId, usize>);

impl Lanes {
    /// Returns when it is time to take up more.
    pub async fn hungry(&self) {
        loop {
            self.hungry.notified().await;
            // What was taken up meanwhile may be enough.
            let (inner, now) = (self.inner.lock(), Instant::now());
            if inner.lanes.values().any(|lane| lane.is_hungry(now)) {
                return;
            }
        }
    }

    /// The room that there is now.
    pub fn room(&self) -> Room {
        let mut inner = self.inner.lock();
        let rooms = inner.lanes.iter_mut().map(|(webhook, lane)| {
            let room = lane.room();
            if room == 0 {
                lane.leaves_some();
            }
            (*webhook, room)
        });
        Room(rooms.collect())
    }

    /// Takes what was taken up; says how many places begin with it.
    pub fn add(&self, webhook: WebhookId, taken: Vec<Ready>, more: bool) -> usize {
        let mut inner = self.inner.lock();
        inner.in_hand.extend(taken.iter().map(|ready| ready.delivery.id));
        inner.lanes.entry(webhook).or_default().add(taken, more, Instant::now())
    }

    /// The next for a place of this webhook; with none, the place is free.
    pub fn next(&self, webhook: WebhookId) -> Option<Ready> {
        let (mut inner, now) = (self.inner.lock(), Instant::now());
        let lane = inner.lanes.get_mut(&webhook)?;
        let next = lane.next(now);
        if lane.is_hungry(now) {
            self.hungry.notify_one();
        }
        next
    }

    /// An attempt has ended.
    pub fn ended(&self, webhook: WebhookId, took: Duration) {
        if let Some(lane) = self.inner.lock().lanes.get_mut(&webhook) {
            lane.ended(took);
        }
    }

    /// Lets go of what waits for a webhook that wants nothing more: it will be given up with it.
    pub fn drop_waiting(&self, webhook: WebhookId) {
        let mut inner = self.inner.lock();
        let waiting = inner.lanes.get_mut(&webhook).map(Lane::all_waiting).unwrap_or_default();
        waiting.iter().for_each(|ready| _ = inner.in_hand.remove(&ready.delivery.id));
    }

    /// What has waited for too long, to be put back.
    pub fn stale(&self) -> Vec<Delivery> {
        let (mut inner, now) = (self.inner.lock(), Instant::now());
        let stale = inner.lanes.values_mut().flat_map(|lane| lane.stale(now));
        stale.map(|ready| ready.delivery).collect()
    }

    /// All that waits for a place, to be put back.
    pub fn waiting(&self) -> Vec<Delivery> {
        let mut inner = self.inner.lock();
        let waiting = inner.lanes.values_mut().flat_map(Lane::all_waiting);
        waiting.map(|ready| ready.delivery).collect()
    }

    /// These are written down, or put back.
    pub fn let_go<'a>(&self, written: impl IntoIterator<Item = &'a Delivery>) {
        let mut inner = self.inner.lock();
        written.into_iter().for_each(|delivery| _ = inner.in_hand.remove(&delivery.id));
    }

    /// Whether this one is in hand.
    pub fn has(&self, delivery: WebhookDeliveryId) -> bool {
        self.inner.lock().in_hand.contains(&delivery)
    }

    /// Whether nothing is in hand. What was known of its webhooks is forgotten then.
    pub fn rest(&self) -> bool {
        let mut inner = self.inner.lock();
        let is_idle = inner.in_hand.is_empty();
        if is_idle {
            inner.lanes.retain(|_, lane| !lane.is_idle());
        }
        is_idle
    }

    /// Whether anything waits for a place.
    pub fn wait(&self) -> bool {
        self.inner.lock().lanes.values().any(Lane::waits)
    }
}

impl Room {
    /// Of this webhook.
    pub fn of(&self, webhook: WebhookId) -> usize {
        self.0.get(&webhook).copied().unwrap_or(PLACES)
    }

    /// The webhooks without any.
    pub fn full(&self) -> Vec<WebhookId> {
        self.0.iter().filter(|(_, room)| **room == 0).map(|(webhook, _)| *webhook).collect()
    }
}
