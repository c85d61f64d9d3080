//! The relay to RabbitMQ: from the outbox to the exchange.
//!
//! On PostgreSQL any number of replicas run it side by side. A batch is locked, published, confirmed and
//! deleted in one transaction, which stays open while the broker confirms. Row locks rather than a lease column:
//! a relay that is killed anywhere loses its connection, PostgreSQL rolls back and the rows are free at once,
//! with nothing to expire and no clocks to agree; what it had published already goes out once more under the
//! same id, and the inbox of each consumer drops it. A lease that runs out while its holder is only slow would
//! have two relays at the same rows and the order lost. The price is one connection held for the time of a
//! confirm; a relay that hangs is ended by PostgreSQL itself (`idle_in_transaction_session_timeout`).
//!
//! On SQLite one process owns the database, so there is one relay and nothing to lock; it must not hold the
//! only writer while it waits for the network, so it reads, publishes and then deletes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use hms_db::{Backend, Db};
use hms_trace::Span;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection};
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};

use super::jobs::JobRelay;
use super::publisher::{Outgoing, Publisher, Receipt};
use super::topology::Names;
use super::{Broker, Fault, Outages, close, connect, within};
use crate::board::{Half, add};
use crate::context::Context;
use crate::fail_point::FailPoint;
use crate::outbox::{self, Row};
use crate::trace;

/// CloudEvents 1.0, JSON event format.
pub(crate) const CONTENT_TYPE: &str = "application/cloudevents+json";

/// How long it may take until all queues are there; quorum queues are slow to make, once.
pub(super) const DECLARING: Duration = Duration::from_secs(30);

/// How long to leave rows alone whose predecessors another relay has in its hands.
const HELD_BACK: Duration = Duration::from_millis(20);

pub(crate) struct Sender {
    context: Context,
    broker: Broker,
    names: Arc<Names>,
    /// The queues of jobs that the service fills.
    queues: Vec<&'static str>,
}

/// What one pass over the outbox found.
enum Pass {
    Empty,
    /// Events, and there may be more.
    Full,
    /// All that there was; whoever has written more meanwhile has woken the relay.
    Some,
    /// Events that must wait for others, or were refused.
    HeldBack,
}

impl Pass {
    fn of(rows: usize, sent: usize, batch: i64) -> Self {
        match i64::try_from(rows) {
            _ if sent < rows => Self::HeldBack,
            Ok(rows) if rows < batch => Self::Some,
            _ => Self::Full,
        }
    }
}

impl Sender {
    pub fn new(context: Context, broker: Broker, queues: Vec<&'static str>) -> Self {
        let names = Arc::new(Names::new(&broker.prefix, context.service));
        Self { context, broker, names, queues }
    }

    pub async fn run(self) {
        let mut outages = Outages::new(&self.context, Half::Relay);
        while let Err(fault) = self.session(&mut outages).await
            && outages.wait(fault).await
        {}
    }

    async fn session(&self, outages: &mut Outages) -> Result<(), Fault> {
        let connection = connect(&self.broker, format!("hms-{} relay", self.context.service)).await?;
        let (publisher, jobs) = within(DECLARING, "what the relay needs", self.set_up(&connection)).await?;
        self.context.board.up(Half::Relay);
        let ended = tokio::try_join!(self.relay(&connection, &publisher, outages), self.relay_jobs(jobs));
        close(&connection).await;
        ended.map(drop)
    }

    /// On a channel of its own, so that no job stands in the way of an event.
    async fn relay_jobs(&self, publisher: Option<Publisher>) -> Result<(), Fault> {
        let Some(publisher) = publisher else { return Ok(()) };
        JobRelay { context: &self.context, names: &self.names, publisher }.run().await
    }

    async fn set_up(&self, connection: &Connection) -> Result<(Publisher, Option<Publisher>), Fault> {
        let publisher = Publisher::open(connection, self.context.options.confirm_within).await?;
        self.names.declare_events(&publisher.channel).await?;
        let options = &self.context.options;
        for (service, kinds) in options.subscriptions.iter().filter(|(_, kinds)| !kinds.is_empty()) {
            Names::new(&self.broker.prefix, service).declare_queues(&publisher.channel, kinds).await?;
        }
        if self.queues.is_empty() {
            return Ok((publisher, None));
        }
        self.names.declare_work_queues(&publisher.channel, &self.queues).await?;
        Ok((publisher, Some(Publisher::open(connection, options.confirm_within).await?)))
    }

    /// Works until the service stops and the outbox is empty.
    async fn relay(
        &self,
        connection: &Connection,
        publisher: &Publisher,
        outages: &mut Outages,
    ) -> Result<(), Fault> {
        let Context { stop, relay, options, .. } = &self.context;
        let mut woken = relay.listen();
        let mut sweep = interval(options.sweep);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let pass = self.pass(publisher).await?;
            outages.over();
            match pass {
                Pass::Full => continue,
                Pass::HeldBack => {
                    stop.pause(HELD_BACK).await;
                    continue;
                }
                Pass::Empty if stop.is_told() => return Ok(()),
                Pass::Some if stop.is_told() => continue,
                Pass::Some => drop(stop.pause(options.linger).await),
                Pass::Empty => {}
            }
            tokio::select! {
                () = woken.woken() => {}
                () = stop.told() => {}
                _ = sweep.tick() => self.ask(connection, publisher).await?,
            }
        }
    }

    /// Whether the broker is there, and how long it takes to answer: what is declared already costs it nothing.
    async fn ask(&self, connection: &Connection, publisher: &Publisher) -> Result<(), Fault> {
        if !connection.status().connected() {
            return Err(Fault::Lost);
        }
        let begun = Instant::now();
        let answer = self.names.declare_events(&publisher.channel);
        within(self.context.options.confirm_within, "a question", answer).await?;
        self.context.board.answered(begun.elapsed());
        Ok(())
    }

    async fn pass(&self, publisher: &Publisher) -> Result<Pass, Fault> {
        match self.context.database.backend() {
            Backend::Postgres => self.locked_pass(publisher).await,
            Backend::Sqlite => self.lone_pass(publisher).await,
        }
    }

    async fn locked_pass(&self, publisher: &Publisher) -> Result<Pass, Fault> {
        let (context, names, publisher) = (self.context.clone(), Arc::clone(&self.names), publisher.clone());
        let runtime = Handle::current();
        let work = move |db: &mut Db| {
            let claim = outbox::claim(db, context.options.batch)?;
            if claim.rows.is_empty() {
                return Ok(if claim.held_back { Pass::HeldBack } else { Pass::Empty });
            }
            begin_handing_over(db, context.options.confirm_within)?;
            // We are on a blocking thread; the confirms come in on the runtime's own threads.
            let sent = runtime.block_on(publish(&context, &names, &publisher, &claim.rows))?;
            let pass = Pass::of(claim.rows.len(), sent.len(), context.options.batch);
            outbox::remove(db, sent)?;
            // What another relay holds is looked at again at once.
            Ok::<_, Fault>(if claim.held_back { Pass::Full } else { pass })
        };
        self.context.database.write_apart(work).await
    }

    async fn lone_pass(&self, publisher: &Publisher) -> Result<Pass, Fault> {
        let Context { database, options, .. } = &self.context;
        let batch = options.batch;
        let rows = database.read(move |db| outbox::pending(db, Vec::new(), batch)).await?;
        if rows.is_empty() {
            return Ok(Pass::Empty);
        }
        let sent = publish(&self.context, &self.names, publisher, &rows).await?;
        let pass = Pass::of(rows.len(), sent.len(), batch);
        database.write_apart(move |db| outbox::remove(db, sent)).await?;
        Ok(pass)
    }
}

/// Publishes the rows; gives the positions of those that may go. A refused row stays, and so do the later ones
/// of its aggregate: they go out again after it, and consumers that had them already drop them.
async fn publish(
    context: &Context,
    names: &Names,
    publisher: &Publisher,
    rows: &[Row],
) -> Result<Vec<i64>, Fault> {
    // They end when the broker has confirmed.
    let spans = trace::handing_over_rows(context, rows);
    let messages = rows.iter().enumerate().map(|(place, row)| Outgoing {
        exchange: &names.events,
        key: &row.kind,
        body: row.body.as_bytes(),
        properties: properties(row, spans.get(place)),
    });
    let sent = publisher.send(messages.collect()).await?;
    context.options.reach(FailPoint::RelayPublished);
    let receipts = publisher.confirmed(sent).await?;
    context.options.reach(FailPoint::RelayConfirmed);
    let mut refused = Vec::new();
    let mut sent = Vec::with_capacity(rows.len());
    for (row, receipt) in rows.iter().zip(receipts) {
        if receipt == Receipt::Refused || refused.contains(&&row.subject) {
            refused.push(&row.subject);
            continue;
        }
        // A fact may have no consumer yet: that is no error.
        add(&context.board.unrouted, usize::from(receipt == Receipt::Unrouted));
        sent.push(row.position);
    }
    if sent.is_empty() {
        return Err(Fault::Refused(names.events.clone()));
    }
    add(&context.board.published, sent.len());
    Ok(sent)
}

fn properties(row: &Row, span: Option<&Span>) -> BasicProperties {
    let mut headers = FieldTable::default();
    if let Some(traceparent) = span.and_then(Span::traceparent) {
        headers.insert(trace::TRACEPARENT.into(), AMQPValue::LongString(traceparent.into()));
    }
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_message_id(row.event_id.0.to_string().into())
        .with_type(row.kind.as_str().into())
        .with_headers(headers)
}

/// What PostgreSQL is told of a transaction that hands over. It ends it, and so frees its rows, should we hang or our machine
/// be gone without a word: well after our own patience with the broker is at its end. And its commit waits for no disk: where
/// a crash of PostgreSQL takes it back, its rows go out once more, as after any other crash.
pub(super) fn begin_handing_over(db: &mut Db, confirm_within: Duration) -> hms_db::Result<()> {
    let millis = confirm_within.saturating_mul(3).as_millis();
    // Not prepared: it would cost a round trip more.
    db.batch_execute(&format!(
        "SET LOCAL idle_in_transaction_session_timeout = {millis}; SET LOCAL synchronous_commit = off"
    ))?;
    Ok(())
}
