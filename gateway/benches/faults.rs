//! What failing services cost the others (`make bench-gateway-faults`). A gateway in this process stands before
//! one service that is well, and is asked for it at a steady rate: alone, and while three more services fail and
//! are asked too: one takes requests and never answers, one answers after 10 s, one refuses connections. A fifth
//! breaks every connection of its two endpoints, and shows how often the gateway sends a request again.
//!
//! The rounds are interleaved and the medians are shown. The promise is that the p99 of the service that is well
//! moves by less than 20 %, and that retries amplify at most 1.2 times; where it is not held, this ends with 1.
//!
//! HMS_BENCH_ROUNDS (5), HMS_BENCH_SECONDS (4, of each measurement).

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hms_gateway::{AccessLog, Config, Running, start};
use hms_settings::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Clients of the service that is well, and how often each of them asks.
const CLIENTS: u32 = 16;
const PACE: Duration = Duration::from_millis(20);
/// Clients of each service that fails, and how often each of them asks, if it gets an answer at all.
const HAPLESS: u32 = 8;
const HAPLESS_PACE: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::from_environment();
    let rounds: u32 = settings.parse_or("HMS_BENCH_ROUNDS", 5)?;
    let time = Duration::from_secs(settings.parse_or("HMS_BENCH_SECONDS", 4)?);
    let asked = Arc::new(AtomicU32::new(0));
    let table = table(&asked).await?;
    let gateway = gateway(&table).await;
    std::fs::remove_file(&table).context("the table")?;
    let gateway = gateway?;
    let base = format!("http://{}/api/v1", gateway.addr());
    let (mut alone, mut beside, mut sent) = (Vec::new(), Vec::new(), 0);
    measure(&base, time).await?;
    for _ in 0..rounds {
        alone.push(measure(&base, time).await?);
        let failing = Failing::start(&base);
        beside.push(measure(&base, time).await?);
        sent += failing.stop().await;
    }
    gateway.stop().await?;
    report(&mut alone, &mut beside, sent, asked.load(Ordering::Relaxed))
}

/// A table of routes to all the services, as a file.
async fn table(asked: &Arc<AtomicU32>) -> anyhow::Result<PathBuf> {
    const BODY: usize = 1024;
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n{}", "x".repeat(BODY));
    let answer: Arc<str> = answer.into();
    let well = service({
        let answer = Arc::clone(&answer);
        move |stream| answers(stream, Arc::clone(&answer), Duration::ZERO)
    });
    let slow = service(move |stream| answers(stream, Arc::clone(&answer), SLOW));
    let silent = service(|mut stream| async move {
        // It reads, and that is all.
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await? > 0 {}
        Ok(())
    });
    let breaks = || {
        let asked = Arc::clone(asked);
        service(move |mut stream| {
            let asked = Arc::clone(&asked);
            async move {
                if stream.read(&mut [0; 4096]).await? > 0 {
                    asked.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }
        })
    };
    // Nobody listens on a port that was free a moment ago.
    let gone = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let (one, other) = (breaks().await?, breaks().await?);
    let (well, slow, silent) = (well.await?, slow.await?, silent.await?);
    let upstream = |name: &str, endpoints: &[SocketAddr]| {
        let urls: Vec<_> = endpoints.iter().map(|address| format!("http://{address}")).collect();
        format!(
            "[[upstream]]\nname = {name:?}\nendpoints = {urls:?}\nresources = [{name:?}]\n\
             settings = {{ health = {{ interval_ms = 0 }} }}\n"
        )
    };
    let text = upstream("well", &[well])
        + &upstream("slow", &[slow])
        + &upstream("silent", &[silent])
        + &upstream("gone", &[gone])
        + &upstream("broken", &[one, other]);
    let path = std::env::temp_dir().join(format!("hms-gateway-faults-{}.toml", std::process::id()));
    std::fs::write(&path, text)?;
    Ok(path)
}

async fn gateway(table: &std::path::Path) -> anyhow::Result<Running> {
    let settings = Settings::from_pairs([
        ("HMS_ROUTES", table.to_str().context("a path in UTF-8")?),
        ("HMS_RATE_LIMITS", "off"),
        ("HMS_GATEWAY_RESPONSE_MS", "15000"),
    ]);
    let mut config = Config::from_settings(&settings)?;
    config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    // The report goes where the access log would.
    config.edge.access_log = AccessLog::Off;
    start(config).await
}

/// A service that treats each connection like this; where it listens.
async fn service<F, T>(treat: F) -> std::io::Result<SocketAddr>
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(treat(stream));
        }
    });
    Ok(address)
}

/// Answers each request, which has no body, after a time.
async fn answers(mut stream: TcpStream, answer: Arc<str>, after: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = Vec::with_capacity(4096);
    while stream.read_buf(&mut read).await? > 0 {
        if read.ends_with(b"\r\n\r\n") {
            read.clear();
            sleep(after).await;
            stream.write_all(answer.as_bytes()).await?;
        }
    }
    Ok(())
}

/// The latencies of one measurement, in milliseconds.
struct Latencies {
    p50: f64,
    p99: f64,
    per_second: f64,
}

/// Asks for the service that is well, at a steady rate.
async fn measure(base: &str, time: Duration) -> anyhow::Result<Latencies> {
    let started = Instant::now();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let url = format!("{base}/well");
        clients.spawn(async move {
            // Not all at once: they are people, not a drum.
            sleep(PACE * number / CLIENTS).await;
            let (client, mut ticks, mut seen) = (reqwest::Client::new(), interval(PACE), Vec::new());
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while started.elapsed() < time {
                ticks.tick().await;
                let asked = Instant::now();
                let answer = client.get(&url).send().await?.error_for_status()?;
                answer.bytes().await?;
                seen.push(asked.elapsed().as_secs_f64() * 1_000.0);
            }
            anyhow::Ok(seen)
        });
    }
    let mut all = Vec::new();
    while let Some(seen) = clients.join_next().await {
        all.append(&mut seen?.context("a request to the service that is well failed")?);
    }
    all.sort_by(f64::total_cmp);
    let per_second = f64::from(u32::try_from(all.len())?) / started.elapsed().as_secs_f64();
    Ok(Latencies { p50: rank(&all, 50), p99: rank(&all, 99), per_second })
}

/// Clients of the services that fail.
struct Failing {
    done: Arc<AtomicBool>,
    /// Requests to the service that breaks its connections.
    sent: Arc<AtomicU32>,
    clients: JoinSet<()>,
}

impl Failing {
    fn start(base: &str) -> Self {
        let (done, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let mut clients = JoinSet::new();
        for name in ["slow", "silent", "gone", "broken"] {
            for _ in 0..HAPLESS {
                let (url, done, sent) = (format!("{base}/{name}"), Arc::clone(&done), Arc::clone(&sent));
                clients.spawn(async move {
                    let (client, mut ticks) = (reqwest::Client::new(), interval(HAPLESS_PACE));
                    while !done.load(Ordering::Relaxed) {
                        ticks.tick().await;
                        if name == "broken" {
                            sent.fetch_add(1, Ordering::Relaxed);
                        }
                        let _failed = client.get(&url).send().await;
                    }
                });
            }
        }
        Self { done, sent, clients }
    }

    /// Ends them, also those that still wait; how many requests went to the service that breaks.
    async fn stop(mut self) -> u32 {
        self.done.store(true, Ordering::Relaxed);
        self.clients.shutdown().await;
        self.sent.load(Ordering::Relaxed)
    }
}

fn report(alone: &mut [Latencies], beside: &mut [Latencies], sent: u32, asked: u32) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "                 requests/s   p50 ms   p99 ms   (medians)")?;
    let mut medians = Vec::new();
    for (name, rounds) in [("alone", alone), ("beside failing", beside)] {
        let median = |of: fn(&Latencies) -> f64| {
            let mut values: Vec<_> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            rank(&values, 50)
        };
        let (per_second, p50, p99) = (median(|it| it.per_second), median(|it| it.p50), median(|it| it.p99));
        writeln!(out, "{name:<16} {per_second:>10.0} {p50:>8.2} {p99:>8.2}")?;
        medians.push(p99);
    }
    let moved = medians.last().zip(medians.first()).map_or(f64::NAN, |(beside, alone)| beside / alone);
    let amplified = f64::from(asked) / f64::from(sent.max(1));
    writeln!(out, "p99 beside failing services / alone: {moved:.2} (must be below 1.20)")?;
    writeln!(out, "{sent} requests reached the broken service {asked} times: {amplified:.2} (at most 1.20)")?;
    if cfg!(debug_assertions) {
        writeln!(out, "A DEBUG BUILD: the times say nothing.")?;
        return Ok(());
    }
    ensure!(moved < 1.2, "the service that is well was not left alone");
    ensure!(amplified <= 1.2, "retries amplify");
    Ok(())
}

/// The value below which so many percent of these, in order, are.
fn rank(sorted: &[f64], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(f64::NAN)
}
