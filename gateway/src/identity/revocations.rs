//! What was revoked before its tokens have expired: asked for each second, kept until the last token has expired by
//! itself. While the auth service is away the gateway goes on with what it has, and a metric says how old that is.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hms_model::Clock;
use hms_model::id::SessionId;
use hms_telemetry::Metrics;
use parking_lot::RwLock;
use prometheus::IntGauge;
use tokio_util::sync::CancellationToken;

use super::auth::{Auth, AuthError, Feed};

/// How often the list is asked for.
const INTERVAL: Duration = Duration::from_secs(1);

/// The list as it is known here.
pub struct Revocations {
    clock: Clock,
    until: RwLock<HashMap<SessionId, i64>>,
    /// From where on the rest is to be asked for.
    position: AtomicI64,
}

/// Nothing has been asked for yet.
const NOWHERE: i64 = -1;

impl Revocations {
    /// An empty list.
    pub fn new(clock: Clock) -> Self {
        Self { clock, until: RwLock::default(), position: AtomicI64::new(NOWHERE) }
    }

    /// Whether tokens with this `sid` are revoked.
    pub fn holds(&self, sid: SessionId) -> bool {
        let until = self.until.read().get(&sid).copied();
        until.is_some_and(|until| until > self.clock.now().timestamp())
    }

    /// Asks for what is new, part by part.
    async fn update(&self, auth: &Auth) -> Result<(), AuthError> {
        loop {
            let position = self.position.load(Ordering::Relaxed);
            let feed = auth.revocations((position != NOWHERE).then_some(position)).await?;
            // A part that is not the last and gets us nowhere would be asked for without end.
            let last = feed.complete || feed.position == position;
            // A database that was set back to an older state gives older positions: then all of it counts again.
            let start_again = feed.position < position;
            self.add(feed);
            if start_again {
                self.position.store(NOWHERE, Ordering::Relaxed);
            } else if last {
                return Ok(());
            }
        }
    }

    fn add(&self, feed: Feed) {
        let now = self.clock.now().timestamp();
        self.position.store(feed.position, Ordering::Relaxed);
        let some_past = self.until.read().values().any(|&until| until <= now);
        if !feed.revoked.is_empty() || some_past {
            let mut known = self.until.write();
            known.extend(feed.revoked.into_iter().map(|revoked| (revoked.sid, revoked.until)));
            known.retain(|_, until| *until > now);
        }
    }

    fn len(&self) -> usize {
        self.until.read().len()
    }
}

/// Follows the list until the gateway stops.
pub fn follow(
    revocations: Arc<Revocations>,
    auth: Auth,
    metrics: &Metrics,
    draining: CancellationToken,
) -> anyhow::Result<()> {
    let gauges = Gauges {
        age: metrics.gauge(
            "hms_gateway_revocations_age_seconds",
            "How long ago the auth service last told what is revoked; since the start where it has not yet.",
        )?,
        length: metrics
            .gauge("hms_gateway_revocations", "Sessions, keys and grants that are known to be revoked.")?,
    };
    tokio::spawn(async move { draining.run_until_cancelled(keep(revocations, auth, gauges)).await });
    Ok(())
}

struct Gauges {
    age: IntGauge,
    length: IntGauge,
}

async fn keep(revocations: Arc<Revocations>, auth: Auth, gauges: Gauges) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut last, mut away) = (tokio::time::Instant::now(), false);
    loop {
        ticks.tick().await;
        let updated = revocations.update(&auth).await;
        match &updated {
            Ok(()) => {
                last = tokio::time::Instant::now();
                if away {
                    tracing::info!("the auth service tells again what is revoked");
                }
            }
            Err(error) if !away => {
                let error: &(dyn std::error::Error + 'static) = error;
                tracing::warn!(
                    error,
                    "the auth service does not tell what is revoked; going on with what is known"
                );
            }
            Err(_) => {}
        }
        away = updated.is_err();
        gauges.age.set(last.elapsed().as_secs().try_into().unwrap_or(i64::MAX));
        gauges.length.set(revocations.len().try_into().unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use hms_model::id::Id;

    use super::super::auth::Revoked;
    use super::*;

    #[test]
    fn an_entry_holds_until_its_time_and_is_forgotten_then() {
        let clock = Clock::by_hand(DateTime::UNIX_EPOCH);
        let list = Revocations::new(clock.clone());
        let [one, other] = [Id::new(clock.now()), Id::new(clock.now())];
        let feed = |sids: &[SessionId], position| Feed {
            position,
            revoked: sids.iter().map(|&sid| Revoked { sid, until: 900 }).collect(),
            complete: true,
        };
        list.add(feed(&[one], 1));
        assert_eq!((list.holds(one), list.holds(other)), (true, false));
        clock.advance(TimeDelta::seconds(899));
        assert!(list.holds(one));
        clock.advance(TimeDelta::seconds(1));
        assert!(!list.holds(one));
        assert_eq!(list.len(), 1);
        list.add(feed(&[], 1));
        assert_eq!(list.len(), 0);
    }
}
