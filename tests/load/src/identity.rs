//! How fast people get in, beside a bare loop of Argon2id with the same parameters, and how fast tokens are checked.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZero;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use argon2::{Algorithm, Argon2, Params, Version};
use chrono::TimeDelta;
use hms_access::{Claims, Issuer, KeySource, SigningKey, Verifier};
use hms_model::Clock;
use hms_model::id::Id;
use hms_model::role::Role;
use tokio::task::JoinSet;

use crate::api::{Api, Credentials};

/// Sign-ins at once for each core: enough that no core waits for the next one.
const AT_ONCE: usize = 4;
/// How many tokens are checked that were not seen before: fewer than a verifier remembers.
const FRESH: u32 = 5_000;

/// What was measured, each for a second.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    logins: f64,
    bare: f64,
    fresh: f64,
    known: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { logins, bare, fresh, known } = self;
        let ratio = logins / bare;
        write!(f, "logins_per_s={logins:.1} bare_per_s={bare:.1} ratio={ratio:.3} ")?;
        write!(f, "fresh_per_s={fresh:.0} known_per_s={known:.0}")
    }
}

/// Measures one after the other, so that none takes the cores from another.
pub async fn measure(
    gateway: SocketAddr,
    credentials: Credentials,
    measured: Duration,
) -> anyhow::Result<Report> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let bare = tokio::task::spawn_blocking(move || bare(cores, measured)).await??;
    let logins = logins(gateway, credentials, cores * AT_ONCE, measured).await?;
    let (fresh, known) = checks(measured).await?;
    Ok(Report { logins, bare, fresh, known })
}

/// Sign-ins over as many connections at once.
async fn logins(
    gateway: SocketAddr,
    credentials: Credentials,
    connections: usize,
    measured: Duration,
) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut people = JoinSet::new();
    for _ in 0..connections {
        let credentials = credentials.clone();
        people.spawn(async move {
            let mut count = 0_u32;
            while begun.elapsed() < measured {
                Api::sign_in(gateway, &credentials).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(one) = people.join_next().await {
        count += one.context("a sign-in ended early")??;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

/// Hashes on every core.
fn bare(cores: usize, measured: Duration) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let threads: Vec<_> = (0..cores).map(|_| std::thread::spawn(move || hashes(begun, measured))).collect();
    let mut count = 0;
    for thread in threads {
        count += thread.join().map_err(|_| anyhow::anyhow!("a thread that hashes has panicked"))??;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

fn hashes(begun: Instant, measured: Duration) -> anyhow::Result<u32> {
    let argon2id = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
    let (mut hash, mut count) = ([0_u8; 32], 0);
    while begun.elapsed() < measured {
        argon2id
            .hash_password_into(b"a password of the bench", b"salt of 16 bytes", &mut hash)
            .map_err(|error| anyhow::anyhow!("Argon2id: {error}"))?;
        std::hint::black_box(&hash);
        count += 1;
    }
    Ok(count)
}

/// Checks on one core, of tokens that are new and of one that is known.
async fn checks(measured: Duration) -> anyhow::Result<(f64, f64)> {
    let (clock, issuer) = (Clock::system(), Issuer::new(SigningKey::generate()?)?);
    let now = clock.now();
    let token = || {
        let claims = Claims::new(Id::new(now), Id::new(now), vec![Role::Doctor], now, TimeDelta::minutes(15));
        issuer.issue(&claims)
    };
    let verifier = Verifier::new(KeySource::Set(issuer.jwks()), clock)?;
    let tokens = (0..FRESH).map(|_| token()).collect::<Result<Vec<_>, _>>()?;
    let begun = Instant::now();
    for token in &tokens {
        verifier.verify(token).await?;
    }
    let fresh = f64::from(FRESH) / begun.elapsed().as_secs_f64();
    let (known, begun, mut count) = (token()?, Instant::now(), 0_u32);
    while begun.elapsed() < measured {
        for _ in 0..100 {
            verifier.verify(&known).await?;
        }
        count += 100;
    }
    Ok((fresh, f64::from(count) / begun.elapsed().as_secs_f64()))
}
