//! Counting in Redis, so that several gateways keep one limit: one script, one round trip, over one connection that all
//! requests share. A request never waits for a connection to be made: while there is none, or Redis does not answer in
//! time, the caller counts by itself, and a task in the background brings the connection back.

use std::sync::Arc;
use std::time::Duration;

use hms_telemetry::Metrics;
use parking_lot::RwLock;
use prometheus::IntGauge;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Script};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::key::Key;
use super::rules::Rule;
use super::window::Taken;

/// How long Redis may take for an answer.
const ANSWER: Duration = Duration::from_millis(50);
/// How long a connection to it may take to open.
const CONNECT: Duration = Duration::from_secs(1);
/// The pause between two tries to reach it.
const PAUSE: Duration = Duration::from_millis(500);

/// Counting that several gateways share; clones are one.
#[derive(Clone)]
pub struct Shared(Arc<Inner>);

struct Inner {
    client: Client,
    script: Script,
    connection: RwLock<Option<Live>>,
    lost: Notify,
    up: IntGauge,
}

#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    /// Tells one connection from the next, so that an answer that comes late does not end the new one.
    number: u64,
}

/// Redis cannot be asked at present.
pub struct Away;

impl Shared {
    /// Begins to connect; until that is done, Redis is away.
    pub fn start(client: Client, metrics: &Metrics, draining: CancellationToken) -> anyhow::Result<Self> {
        let up = metrics.gauge(
            "hms_gateway_limits_redis_up",
            "Whether requests are counted in Redis (1) or by this gateway alone (0).",
        )?;
        let shared = Self(Arc::new(Inner {
            client,
            script: Script::new(include_str!("count.lua")),
            connection: RwLock::default(),
            lost: Notify::new(),
            up,
        }));
        let keeper = shared.clone();
        tokio::spawn(async move { draining.run_until_cancelled(keeper.keep()).await });
        Ok(shared)
    }

    /// Counts a request under every quota of a rule, or under none of them.
    pub async fn take(&self, key: Key, rule: &Rule) -> Result<Vec<Taken>, Away> {
        let answer = self.run(key, rule, 1).await?;
        let windows = answer.chunks_exact(3).map(|window| match *window {
            [admitted, remaining, reset] => Ok(Taken {
                admitted: admitted == 1,
                remaining: remaining.try_into().map_err(|_| Away)?,
                reset: Duration::from_millis(reset.try_into().map_err(|_| Away)?),
            }),
            _ => Err(Away),
        });
        windows.collect()
    }

    /// Takes back a request that was counted.
    pub async fn give_back(&self, key: Key, rule: &Rule) -> Result<(), Away> {
        self.run(key, rule, -1).await.map(drop)
    }

    async fn run(&self, key: Key, rule: &Rule, step: i64) -> Result<Vec<i64>, Away> {
        let live = self.0.connection.read().clone();
        let Some(Live { mut connection, number }) = live else { return Err(Away) };
        let name = key.text(rule);
        let mut script = self.0.script.prepare_invoke();
        script.arg(step);
        for quota in &rule.quotas {
            // The braces keep the windows of one client together in a cluster.
            script
                .key(format!("hms:limit:{{{name}}}:{}", quota.seconds))
                .arg(quota.limit)
                .arg(quota.slot_ms());
        }
        let answer = tokio::time::timeout(ANSWER, script.invoke_async(&mut connection)).await;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.lose(number, &error)),
            Err(late) => Err(self.lose(number, &late)),
        }
    }

    fn lose(&self, number: u64, error: &(dyn std::error::Error + 'static)) -> Away {
        let mut connection = self.0.connection.write();
        if connection.as_ref().is_some_and(|live| live.number == number) {
            *connection = None;
            self.0.up.set(0);
            tracing::warn!(error, "Redis is away: this gateway counts requests by itself");
            self.0.lost.notify_one();
        }
        Away
    }

    /// Connects, waits until the connection is lost, and connects again.
    async fn keep(self) {
        let mut told = false;
        for number in 0.. {
            let connection = loop {
                match self.connect().await {
                    Ok(connection) => break connection,
                    Err(error) => {
                        if !std::mem::replace(&mut told, true) {
                            let error: &(dyn std::error::Error + 'static) = &error;
                            tracing::warn!(
                                error,
                                "Redis cannot be reached; this gateway counts requests by itself"
                            );
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            };
            *self.0.connection.write() = Some(Live { connection, number });
            self.0.up.set(1);
            tracing::info!("requests are counted in Redis");
            // What follows a loss has been told by the one who found it.
            told = true;
            self.0.lost.notified().await;
        }
    }

    /// A connection over which the script is known.
    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(CONNECT));
        let mut connection = self.0.client.get_multiplexed_async_connection_with_config(&config).await?;
        self.0.script.load_async(&mut connection).await?;
        Ok(connection)
    }
}
