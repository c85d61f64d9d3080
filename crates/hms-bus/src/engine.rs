//! One batch of deliveries, one transaction: the events into the inbox, their effects, and what they publish in turn.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::Connection as _;
use hms_db::Db;
use hms_model::Clock;
use hms_model::event::Envelope;

use crate::consumer::{ConsumeError, Consumer};
use crate::context::Context;
use crate::delivery::AfterCommit;
use crate::fail_point::FailPoint;
use crate::inbox;
use crate::jobs::Runner;
use crate::trace::Taking;

/// What became of a delivery.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Its effect is committed, now or at an earlier delivery.
    Done,
    /// It failed and may go better later.
    Retry(String),
    /// It will never be taken.
    Dead(String),
    /// It was not tried, since an earlier event of the same aggregate failed.
    Behind,
}

/// The consuming half of a service.
#[derive(Clone)]
pub(crate) struct Engine {
    context: Context,
    consumer: Arc<Consumer>,
}

impl Engine {
    pub fn new(context: Context, consumer: Consumer) -> Self {
        Self { context, consumer: Arc::new(consumer) }
    }

    /// Takes a batch, once, in one transaction.
    pub async fn take_now(&self, batch: Vec<Envelope>) -> Result<(), ConsumeError> {
        self.together(batch.into_iter().map(Arc::new).collect()).await
    }

    pub fn consumes(&self) -> bool {
        !self.consumer.is_empty()
    }

    /// How long to wait for company after a batch that was not full.
    pub fn linger(&self) -> Duration {
        self.consumer.company().unwrap_or(self.context.options.linger)
    }

    /// Those who do the jobs of the service, one for each queue.
    pub fn runners(&self) -> Vec<Runner> {
        let handlers = self.consumer.job_handlers();
        handlers.map(|(queue, handler)| Runner::new(self.context.clone(), queue, handler)).collect()
    }

    pub fn kinds(&self) -> Vec<&'static str> {
        self.consumer.kinds().collect()
    }

    /// Takes a batch, in its order: all in one transaction, which costs one commit; if anything fails, each in
    /// its own, so that one bad event does not take others with it. An error means that the database is away
    /// and that nothing is known of any of them: hand in the same batch again.
    pub async fn take(&self, batch: &[Arc<Envelope>]) -> Result<Vec<Verdict>, hms_db::Error> {
        if batch.len() > 1 {
            match self.together(batch.to_vec()).await {
                Ok(()) => return Ok(batch.iter().map(|_| Verdict::Done).collect()),
                Err(ConsumeError::Away(error)) => return Err(error),
                Err(_) => {}
            }
        }
        self.one_by_one(batch).await
    }

    async fn one_by_one(&self, batch: &[Arc<Envelope>]) -> Result<Vec<Verdict>, hms_db::Error> {
        let mut failed = HashSet::new();
        let mut verdicts = Vec::with_capacity(batch.len());
        for envelope in batch {
            if failed.contains(envelope.subject.as_str()) {
                verdicts.push(Verdict::Behind);
                continue;
            }
            let verdict = match self.together(vec![Arc::clone(envelope)]).await {
                Ok(()) => Verdict::Done,
                Err(ConsumeError::Away(error)) => return Err(error),
                Err(error @ ConsumeError::Reject(_)) => Verdict::Dead(error.reason()),
                Err(error @ ConsumeError::Retry(_)) => {
                    failed.insert(envelope.subject.as_str());
                    Verdict::Retry(error.reason())
                }
            };
            verdicts.push(verdict);
        }
        Ok(verdicts)
    }

    async fn together(&self, batch: Vec<Arc<Envelope>>) -> Result<(), ConsumeError> {
        let (consumer, clock) = (Arc::clone(&self.consumer), self.context.clock.clone());
        let taking = Arc::new(Taking::begin(&self.context, &batch));
        let (spans, times): (_, Vec<_>) =
            (Arc::clone(&taking), batch.iter().map(|envelope| envelope.time).collect());
        let unit = self.context.database.write(move |db| {
            let mut after = AfterCommit::default();
            let envelopes: Vec<&Envelope> = batch.iter().map(AsRef::as_ref).collect();
            take_all(db, &consumer, &clock, (envelopes.as_slice(), &spans), &mut after)?;
            Ok::<_, ConsumeError>(after)
        });
        let after = taking.run(unit).await.inspect_err(|_| taking.fail())?;
        self.context.options.reach(FailPoint::ConsumerCommitted);
        let now = self.now();
        times.into_iter().for_each(|time| self.context.options.lag.observe(now - time));
        self.after_commit(after);
        Ok(())
    }

    /// Takes one event, once, as a part of the transaction that is open; what failed leaves nothing behind in it.
    pub fn take_within(&self, db: &mut Db, envelope: &Envelope) -> Result<AfterCommit, ConsumeError> {
        db.transaction(|db| {
            if let Some(outcome) = self.consumer.again(db, envelope, self.now()) {
                return outcome;
            }
            let mut after = AfterCommit::default();
            let untraced = Taking::default();
            take_all(db, &self.consumer, &self.context.clock, (&[envelope], &untraced), &mut after)?;
            Ok(after)
        })
    }

    /// Does what is due now that the transaction has committed.
    pub fn after_commit(&self, after: AfterCommit) {
        if after.published {
            self.context.relay.wake();
        }
        for task in after.wake {
            task.notify_one();
        }
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.context.clock.now()
    }
}

/// Their places in the inbox, then the effects of those that are new, in their order.
fn take_all(
    db: &mut Db,
    consumer: &Consumer,
    clock: &Clock,
    (envelopes, taking): (&[&Envelope], &Taking),
    after: &mut AfterCommit,
) -> Result<(), ConsumeError> {
    let now = clock.now();
    let ids: Vec<_> = envelopes.iter().map(|envelope| envelope.id).collect();
    let new = inbox::admit_all(db, &ids, now)?;
    let envelopes: Vec<&Envelope> =
        envelopes.iter().zip(new).filter(|(_, new)| *new).map(|(envelope, _)| *envelope).collect();
    for run in runs(&envelopes, |kind| consumer.takes_many(kind)) {
        consumer.deliver(db, (&run, taking), now, after)?;
    }
    consumer.deliver_beside(db, (&envelopes, taking), now, after)
}

/// Runs of events of one type. The events of each aggregate keep their order; as far as that allows, those of a type that is
/// taken `together` are in one run, whatever came between them.
fn runs<'a>(envelopes: &[&'a Envelope], together: impl Fn(&str) -> bool) -> Vec<Vec<&'a Envelope>> {
    let mut runs: Vec<(&str, Vec<&Envelope>)> = Vec::new();
    // In which run the latest event of an aggregate is.
    let mut latest: HashMap<&str, usize> = HashMap::new();
    for envelope in envelopes {
        let kind = envelope.kind.as_str();
        let earliest = match latest.get(envelope.subject.as_str()) {
            _ if !together(kind) => runs.len().saturating_sub(1),
            Some(run) => *run,
            None => 0,
        };
        let joined = (earliest..runs.len()).find(|run| runs.get(*run).is_some_and(|(of, _)| *of == kind));
        let run = joined.unwrap_or(runs.len());
        match runs.get_mut(run) {
            Some((_, events)) => events.push(envelope),
            None => runs.push((kind, vec![envelope])),
        }
        latest.insert(&envelope.subject, run);
    }
    runs.into_iter().map(|(_, events)| events).collect()
}

#[cfg(test)]
mod tests {
    use hms_model::event::{DepartmentFacts, DepartmentUpdated};
    use hms_model::id::Id;

    use super::*;

    /// Events as `kind subject`, to the same with `|` between the runs; `many` are taken together.
    fn in_runs(events: &str) -> String {
        let now = Clock::system().now();
        let facts = DepartmentFacts {
            department_id: Id::new(now),
            version: 1,
            name: "Radiology".into(),
            active: true,
        };
        let template = Envelope::of("user", &DepartmentUpdated(facts), Id::new(now), now).unwrap();
        let envelopes: Vec<Envelope> = events
            .split_whitespace()
            .map(|event| {
                let (kind, subject) = event.split_at(event.len() - 1);
                Envelope { kind: kind.into(), subject: subject.into(), ..template.clone() }
            })
            .collect();
        let borrowed: Vec<&Envelope> = envelopes.iter().collect();
        let written = |run: &Vec<&Envelope>| {
            run.iter().map(|event| format!("{}{}", event.kind, event.subject)).collect::<Vec<_>>().join(" ")
        };
        runs(&borrowed, |kind| kind.starts_with("many")).iter().map(written).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn events_that_are_taken_together_are_whatever_came_between_them_but_never_overtake_their_own() {
        let table = [
            ("", ""),
            ("one1 one2 two3 one4", "one1 one2 | two3 | one4"),
            ("many1 one2 many3 one4 many5", "many1 many3 many5 | one2 one4"),
            ("many1 other1 many1 many2", "many1 many2 | other1 | many1"),
            ("many1 manymore2 many3 manymore4", "many1 many3 | manymore2 manymore4"),
            ("manymore1 many2 manymore2 many1", "manymore1 | many2 many1 | manymore2"),
            ("many1 one1 many2 two2 one2", "many1 many2 | one1 | two2 | one2"),
        ];
        for (given, expected) in table {
            assert_eq!(in_runs(given), expected, "{given}");
        }
    }
}
