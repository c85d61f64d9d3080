//! Jobs on RabbitMQ: from the table into their queues, and from there into the hands of the service.
//!
//! A job is acknowledged when it has ended. What is given up goes to the service's dead queue first, with the reason; what the
//! broker gives up, since it has crashed its consumers too often, goes there by itself.

use std::sync::Arc;

use futures_util::future::try_join_all;
use hms_db::{Backend, Db};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection};
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};

use super::consumer::read;
use super::letter::Fate;
use super::publisher::{Outgoing, Publisher, Receipt};
use super::relay::{CONTENT_TYPE, DECLARING, begin_handing_over};
use super::subscription::{self, Subscription};
use super::topology::Names;
use super::{Broker, Fault, Outages, close, connect, within};
use crate::board::Half;
use crate::context::Context;
use crate::jobs::{self, Depth, End, Fronts, Row, Runner};

/// Does the jobs of a service.
pub(crate) struct Workers {
    context: Context,
    broker: Broker,
    names: Names,
    runners: Vec<Runner>,
    fronts: Fronts,
}

impl Workers {
    pub fn new(context: Context, broker: Broker, runners: Vec<Runner>) -> Self {
        let names = Names::new(&broker.prefix, context.service);
        Self { context, broker, names, runners, fronts: Fronts::default() }
    }

    pub async fn run(self) {
        let mut outages = Outages::new(&self.context, Half::Jobs);
        while let Err(fault) = self.session(&mut outages).await
            && outages.wait(fault).await
        {}
    }

    async fn session(&self, outages: &mut Outages) -> Result<(), Fault> {
        let connection = connect(&self.broker, format!("hms-{} jobs", self.context.service)).await?;
        let (publisher, subscriptions) =
            within(DECLARING, "what jobs need", self.set_up(&connection)).await?;
        self.context.board.up(Half::Jobs);
        outages.over();
        let works = self.runners.iter().zip(subscriptions);
        let works = works.map(|(runner, subscription)| self.work(runner, subscription, &publisher));
        let ended = tokio::try_join!(try_join_all(works), self.measure(&publisher));
        self.context.options.waiting.forget();
        close(&connection).await;
        ended.map(drop)
    }

    async fn set_up(&self, connection: &Connection) -> Result<(Publisher, Vec<Subscription>), Fault> {
        let publisher = Publisher::open(connection, self.context.options.confirm_within).await?;
        self.names.declare_work_queues(&publisher.channel, &self.queues()).await?;
        let mut subscriptions = Vec::with_capacity(self.runners.len());
        for runner in &self.runners {
            let queue = self.names.work_queue(runner.queue);
            subscriptions.push(Subscription::open(connection, &queue, runner.at_once()).await?);
        }
        Ok((publisher, subscriptions))
    }

    fn queues(&self) -> Vec<&'static str> {
        self.runners.iter().map(|runner| runner.queue).collect()
    }

    /// Does the jobs of one queue, a batch at a time, until the service stops.
    async fn work(
        &self,
        runner: &Runner,
        mut subscription: Subscription,
        publisher: &Publisher,
    ) -> Result<(), Fault> {
        let options = &self.context.options;
        while let Some(batch) = subscription.batch(&self.context.stop).await? {
            let (mut fates, mut deliveries, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
            for delivery in batch {
                match read(&delivery) {
                    Ok(job) => {
                        deliveries.push(delivery);
                        jobs.push(Arc::new(job));
                    }
                    Err(reason) => fates.push((delivery, self.dead(reason, 0))),
                }
            }
            self.fronts.taken(runner.queue, jobs.iter().map(|job| job.time));
            let Some(ends) = runner.run(&jobs).await else { break };
            fates.extend(deliveries.into_iter().zip(ends).map(|(delivery, end)| match end {
                End::Done => (delivery, Fate::Done),
                End::GivenUp { reason, attempts } => (delivery, self.dead(reason, attempts)),
            }));
            subscription::settle(&self.names, publisher, fates, options.confirm_within).await?;
        }
        subscription.end().await;
        Ok(())
    }

    fn dead(&self, reason: String, failures: u32) -> Fate {
        Fate::Dead { failures, reason, at: self.context.clock.now() }
    }

    /// Notes at each sweep how many jobs wait and since when, in the broker and on the way there.
    async fn measure(&self, publisher: &Publisher) -> Result<(), Fault> {
        let Context { options, stop, database, .. } = &self.context;
        let queues = self.queues();
        loop {
            // Before the question: what comes into an empty queue after it was written later.
            let now = self.context.clock.now();
            let answer = self.names.declare_work_queues(&publisher.channel, &queues);
            let there = within(options.confirm_within, "a question", answer).await?;
            match database.read(jobs::depths).await {
                Ok(mut depths) => {
                    for (queue, count) in there {
                        let since = self.fronts.measured(queue, count, now);
                        let depth = depths.entry(queue.to_owned()).or_default();
                        *depth = depth.and(Depth { count: i64::from(count), since });
                    }
                    options.waiting.set(depths);
                }
                // No reason to let go of the broker, and of the jobs in hand.
                Err(error) => {
                    tracing::warn!(service = self.context.service, %error, "jobs are not counted");
                    options.waiting.forget();
                }
            }
            if !stop.pause(options.sweep).await {
                return Ok(());
            }
        }
    }
}

/// Hands the jobs of the table to the broker, what is urgent first. In no other order: several relays take what the others have
/// not, and what goes over twice is done once.
pub(super) struct JobRelay<'a> {
    pub context: &'a Context,
    pub names: &'a Arc<Names>,
    pub publisher: Publisher,
}

impl JobRelay<'_> {
    /// Works until the service stops and the table is empty.
    pub async fn run(&self) -> Result<(), Fault> {
        let Context { stop, relay, options, .. } = self.context;
        let mut woken = relay.listen();
        let mut sweep = interval(options.sweep);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.pass().await? > 0 {
                continue;
            }
            if stop.is_told() {
                return Ok(());
            }
            tokio::select! {
                () = woken.woken() => {}
                () = stop.told() => {}
                _ = sweep.tick() => {}
            }
        }
    }

    /// Hands some over; says how many.
    async fn pass(&self) -> Result<usize, Fault> {
        let (database, limit) = (&self.context.database, self.context.options.batch);
        if database.backend() == Backend::Sqlite {
            let rows = database.read(move |db| jobs::pending(db, limit)).await?;
            if rows.is_empty() {
                return Ok(0);
            }
            publish(self.names, &self.publisher, &rows).await?;
            return database.write_apart(move |db| remove(db, rows)).await;
        }
        let (names, publisher) = (Arc::clone(self.names), self.publisher.clone());
        let (runtime, confirm_within) = (Handle::current(), self.context.options.confirm_within);
        let work = move |db: &mut Db| {
            let rows = jobs::claim(db, limit)?;
            if rows.is_empty() {
                return Ok(0);
            }
            begin_handing_over(db, confirm_within)?;
            // We are on a blocking thread; the confirms come in on the runtime's own threads.
            runtime.block_on(publish(&names, &publisher, &rows))?;
            remove(db, rows)
        };
        database.write_apart(work).await
    }
}

fn remove(db: &mut Db, rows: Vec<Row>) -> Result<usize, Fault> {
    let count = rows.len();
    jobs::remove(db, rows.into_iter().map(|row| row.id).collect())?;
    Ok(count)
}

/// All of them, or none is known to be there: unlike a fact, a job must have its queue.
async fn publish(names: &Names, publisher: &Publisher, rows: &[Row]) -> Result<(), Fault> {
    let queues: Vec<String> = rows.iter().map(|row| names.work_queue(&row.queue)).collect();
    let messages = rows.iter().zip(&queues).map(|(row, queue)| Outgoing {
        exchange: "",
        key: queue,
        body: row.body.as_bytes(),
        properties: properties(row),
    });
    let receipts = publisher.publish(messages.collect()).await?;
    match receipts.iter().zip(&queues).find(|(receipt, _)| **receipt != Receipt::Stored) {
        Some((_, queue)) => Err(Fault::Refused(queue.clone())),
        None => Ok(()),
    }
}

fn properties(row: &Row) -> BasicProperties {
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_message_id(row.id.0.to_string().into())
        .with_type(row.queue.as_str().into())
        .with_headers(FieldTable::default())
}
