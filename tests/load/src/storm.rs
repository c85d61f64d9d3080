//! What a storm of sign-ins costs the others: how long the reads of a patient take that come at a steady rate, alone and
//! while many sign in.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::connection::Connection;
use crate::load::{self, Plan};
use crate::tally::{self, Tally};
use crate::work::Work;

/// How many connections the reads come over, in turn.
const READERS: u32 = 8;
/// How long the storm blows before the reads begin.
const WARM_UP: Duration = Duration::from_secs(1);

/// How hard it blows.
#[derive(Debug, Clone, Copy)]
pub struct Storm {
    /// Where the gateway is.
    pub gateway: SocketAddr,
    /// How many sign in at the same time, again and again.
    pub connections: u16,
    /// Reads a second.
    pub rate: u32,
    /// How long the reads are measured, each time.
    pub measured: Duration,
}

/// What was seen.
#[derive(Debug)]
pub struct Report {
    alone: tally::Report,
    beside: tally::Report,
    sign_ins: tally::Report,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64() * 1_000.0;
        let (alone, beside) = (millis(self.alone.p99), millis(self.beside.p99));
        write!(f, "alone_p50_ms={:.3} alone_p99_ms={alone:.3} ", millis(self.alone.p50))?;
        write!(f, "beside_p50_ms={:.3} beside_p99_ms={beside:.3} ", millis(self.beside.p50))?;
        write!(f, "ratio={:.2} logins_per_s={:.1} ", beside / alone, self.sign_ins.per_second)?;
        let all = [&self.alone, &self.beside, &self.sign_ins];
        let failed: u32 = all.iter().map(|report| report.failed()).sum();
        let failures = all.map(tally::Report::failures_by_status).join("/");
        write!(f, "failed={failed} failures={failures}")
    }
}

/// Measures the reads twice; the sign-ins begin before the second time, and end with it.
pub async fn measure(storm: Storm, reads: &Work, sign_ins: &Work) -> anyhow::Result<Report> {
    let Storm { gateway, connections, measured, .. } = storm;
    let alone = steady(storm, reads, Instant::now()).await?;
    let plan = Plan { gateway, connections, warm_up: WARM_UP, measured };
    let from = Instant::now() + WARM_UP;
    let (sign_ins, beside) = tokio::join!(load::run(plan, sign_ins), steady(storm, reads, from));
    Ok(Report { alone, beside: beside?, sign_ins: sign_ins? })
}

/// Reads at a steady rate, whether the answers come or not: each is timed from the moment at which it was due, so that a
/// read that had to wait for the one before it is as late as it is.
async fn steady(storm: Storm, work: &Work, from: Instant) -> anyhow::Result<tally::Report> {
    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        let first = from + Duration::from_secs(1) * reader / storm.rate;
        readers.spawn(read(storm, work.clone(), first, from + storm.measured));
    }
    let mut all = Tally::default();
    while let Some(tally) = readers.join_next().await {
        all.merge(tally.context("a reader ended early")??);
    }
    Ok(all.report(storm.measured))
}

async fn read(storm: Storm, work: Work, first: Instant, until: Instant) -> anyhow::Result<Tally> {
    let (mut tally, mut due) = (Tally::default(), first);
    let mut connection = None;
    while due < until {
        sleep_until(due).await;
        let reader = match connection.take() {
            Some(reader) => Ok(reader),
            None => Connection::open(storm.gateway).await,
        };
        let request = work.request()?;
        let asked = async {
            let mut reader = reader?;
            let answer = reader.send(request).await?;
            anyhow::Ok((reader, answer))
        };
        match asked.await {
            Ok((reader, answer)) => {
                tally.add(work.judge(&answer), answer.status, due.elapsed());
                connection = Some(reader);
            }
            Err(_) => tally.add_broken(),
        }
        due += Duration::from_secs(1) * READERS / storm.rate;
    }
    Ok(tally)
}
