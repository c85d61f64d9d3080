//! Events over RabbitMQ (AMQP 0-9-1).
//!
//! The relay, the consumer and those who do jobs each have a connection of their own: RabbitMQ slows down a connection
//! that publishes too fast, and that must not hold up acknowledgements.

mod consumer;
mod filing;
mod jobs;
mod letter;
mod line;
mod publisher;
mod relay;
mod subscription;
mod topology;

use std::time::Duration;

use hms_model::Secret;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;

pub(crate) use consumer::Receiver;
pub(crate) use jobs::Workers;
pub(crate) use publisher::PERSISTENT;
pub(crate) use relay::{CONTENT_TYPE, Sender};
pub(crate) use topology::{events_exchange, work_queue};

use crate::backoff::Backoff;
use crate::board::{Half, add};
use crate::context::Context;

/// Seconds of silence after which either side gives a connection up, unless the URL says otherwise.
const HEARTBEAT: u16 = 15;
/// The largest frame, in bytes; longer messages are several. Each connection of lapin has room for 64 of them, which with
/// the 128 KiB that RabbitMQ offers were 8 MB for each of a service's connections.
const FRAME: u32 = 32 * 1024;
/// How long the broker may take to answer when a connection is made or ended, and until everything is declared.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Where the broker is, and the first part of every name in it.
#[derive(Clone, Debug)]
pub(crate) struct Broker {
    pub url: Secret,
    pub prefix: String,
}

/// Why a session with the broker ended before the service did.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The broker, or the way to it.
    #[error("the broker is away: {0}")]
    Broker(#[from] lapin::Error),
    /// The connection ended while nothing was under way.
    #[error("the connection to the broker was lost")]
    Lost,
    /// It took too long.
    #[error("the broker did not answer in time: {0}")]
    Slow(&'static str),
    /// Something with our name is there, and is not what we need.
    #[error(
        "{0} exists in the broker with other arguments; remove it when it is empty, or set another HMS_BUS_PREFIX"
    )]
    Clash(String),
    /// It did not store a message.
    #[error("the broker refused a message for {0}")]
    Refused(String),
    /// It ended the subscription, as when a queue is deleted.
    #[error("the broker ended the subscription")]
    Cancelled,
    /// The URL cannot be read. Its text is not shown: there is a password in it.
    #[error("AMQP_URL cannot be read")]
    Address,
    /// Our own side.
    #[error("the database is away")]
    Database(#[from] hms_db::Error),
}

async fn connect(broker: &Broker, name: String) -> Result<Connection, Fault> {
    let mut uri: AMQPUri = broker.url.expose().parse().map_err(|_| Fault::Address)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT);
    uri.query.frame_max.get_or_insert(FRAME);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    // A connection that breaks in the middle of its handshake may leave lapin waiting for ever.
    within(HANDSHAKE, "a new connection", Connection::connect_uri(uri, properties)).await
}

/// Gives work with the broker a limit, and the name that a fault tells when it is reached.
async fn within<T, E: Into<Fault>>(
    limit: Duration,
    what: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Fault> {
    timeout(limit, work).await.map_err(|_| Fault::Slow(what))?.map_err(Into::into)
}

/// Ends a connection politely; what the broker has not heard of by then, it will find out by itself.
async fn close(connection: &Connection) {
    let _ = timeout(HANDSHAKE, connection.close(200, "bye".into())).await;
}

/// The times without the broker, of one half of one service.
struct Outages {
    context: Context,
    half: Half,
    backoff: Backoff,
    told: Option<String>,
}

impl Outages {
    fn new(context: &Context, half: Half) -> Self {
        context.board.starting(half);
        let backoff = Backoff::new(context.options.retry_first, context.options.retry_most);
        Self { context: context.clone(), half, backoff, told: None }
    }

    /// A session works: the next outage is a new one.
    fn over(&mut self) {
        self.backoff.reset();
    }

    /// Waits before the next session, longer each time; false when the service stops meanwhile. An outage is
    /// logged when it begins and when its cause changes, not at each attempt.
    async fn wait(&mut self, fault: Fault) -> bool {
        let Context { service, board, stop, .. } = &self.context;
        let detail = fault.to_string();
        add(&board.interruptions, usize::from(!matches!(fault, Fault::Database(_))));
        if self.backoff.is_fresh() || self.told.as_ref() != Some(&detail) {
            tracing::warn!(service, half = ?self.half, fault = detail, "the bus waits");
        }
        board.waiting(self.half, detail.clone());
        self.told = Some(detail);
        stop.pause(self.backoff.next()).await
    }
}
