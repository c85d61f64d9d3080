//! The closed loop.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::tally::{Report, Tally};
use crate::work::Work;

/// How long to wait after a connection broke, so that a server that is gone is not asked without a pause.
const PAUSE: Duration = Duration::from_millis(20);

/// How much, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Whom to ask.
    pub gateway: SocketAddr,
    /// Connections at once.
    pub connections: u16,
    /// How long to ask before anything is counted.
    pub warm_up: Duration,
    /// How long to ask then.
    pub measured: Duration,
}

/// When to count, and when to end.
#[derive(Debug, Clone, Copy)]
struct Times {
    count_from: Instant,
    until: Instant,
}

impl Times {
    fn count(&self, begun: Instant) -> bool {
        begun >= self.count_from
    }
}

/// Puts the load on, and says what came of it. What is on its way when the time is over is waited for and counted,
/// and so is the time that it takes.
pub async fn run(plan: Plan, work: &Work) -> anyhow::Result<Report> {
    let count_from = Instant::now() + plan.warm_up;
    let times = Times { count_from, until: count_from + plan.measured };
    let mut connections = JoinSet::new();
    for _ in 0..plan.connections {
        connections.spawn(ask(plan.gateway, work.clone(), times));
    }
    let mut tally = Tally::default();
    while let Some(asked) = connections.join_next().await {
        tally.merge(asked.context("a connection of the load generator ended early")??);
    }
    Ok(tally.report(times.count_from.elapsed()))
}

async fn ask(gateway: SocketAddr, work: Work, times: Times) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    loop {
        let begun = Instant::now();
        if begun >= times.until {
            return Ok(tally);
        }
        let broken = match Connection::open(gateway).await {
            Ok(connection) => converse(connection, &work, times, &mut tally).await?,
            Err(_) => Some(begun),
        };
        if let Some(begun) = broken {
            if times.count(begun) {
                tally.add_broken();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Asks over one connection until the time is over or the connection breaks; tells when the request began that
/// broke with it. An error is our own: a request that cannot be written.
async fn converse(
    mut connection: Connection,
    work: &Work,
    times: Times,
    tally: &mut Tally,
) -> anyhow::Result<Option<Instant>> {
    loop {
        let begun = Instant::now();
        if begun >= times.until {
            return Ok(None);
        }
        let Ok(answer) = connection.send(work.request()?).await else { return Ok(Some(begun)) };
        if times.count(begun) {
            tally.add(work.judge(&answer), answer.status, begun.elapsed());
        }
    }
}
