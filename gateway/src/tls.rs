//! TLS: the certificate from two files that are looked at every few seconds, so that a new one needs no restart.
//! A pair that cannot be used leaves the old one in its place.

use std::fmt::{self, Debug, Formatter};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use hms_model::Clock;
use hms_telemetry::{IntCounter, IntGauge, Metrics};
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::{MissedTickBehavior, interval};

/// The files of a certificate, in PEM.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    /// The certificate and those between it and the root.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The certificate in use, and how it is renewed.
pub struct Certificate {
    files: CertificateFiles,
    current: Arc<Current>,
    /// What the files looked like when they were last read.
    read: Option<Stamp>,
    expiry: IntGauge,
    failures: IntCounter,
}

struct Current(RwLock<Arc<CertifiedKey>>);

/// When the two files changed and how long they are.
type Stamp = [(SystemTime, u64); 2];

impl Certificate {
    /// Reads the files; at the start, what cannot be used is an error.
    pub fn load(files: CertificateFiles, clock: &Clock, metrics: &Metrics) -> anyhow::Result<Self> {
        let expiry = metrics.gauge(
            "gateway_tls_certificate_expiry_timestamp_seconds",
            "When the certificate in use ends, in seconds since 1970.",
        )?;
        let failures = metrics
            .counter("gateway_tls_reload_failures_total", "New certificates that could not be used.")?;
        let read = files.stamp();
        let (key, ends) = files.read(clock)?;
        expiry.set(ends);
        let current = Arc::new(Current(RwLock::new(Arc::new(key))));
        Ok(Self { files, current, read, expiry, failures })
    }

    /// How to serve with it: TLS 1.2 and 1.3, whatever the certificate is at the moment.
    pub fn server_config(&self) -> anyhow::Result<ServerConfig> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Current>::clone(&self.current);
        let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("TLS")?;
        Ok(versions.with_no_client_auth().with_cert_resolver(resolver))
    }

    /// Looks at the files every so often and takes what is new in them. Does not return.
    pub async fn keep_fresh(mut self, every: Duration, clock: Clock) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look(&clock);
        }
    }

    fn look(&mut self, clock: &Clock) {
        let stamp = self.files.stamp();
        if stamp.is_none() || stamp == self.read {
            return;
        }
        // A file that is being written is looked at again when it has changed again.
        self.read = stamp;
        match self.files.read(clock) {
            Ok((key, ends)) => {
                *self.current.0.write() = Arc::new(key);
                self.expiry.set(ends);
                tracing::info!(expires = ends, "a new certificate is in use");
            }
            Err(error) => {
                self.failures.inc();
                let error = format!("{error:#}");
                tracing::error!(error, "the new certificate cannot be used; the old one stays");
            }
        }
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl Debug for Current {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl CertificateFiles {
    fn stamp(&self) -> Option<Stamp> {
        let of = |path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        Some([of(&self.chain)?, of(&self.key)?])
    }

    /// The pair of certificate and key, and when it ends. The two must belong together and be in force.
    fn read(&self, clock: &Clock) -> anyhow::Result<(CertifiedKey, i64)> {
        let named = |path: &PathBuf| path.display().to_string();
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.chain)
            .and_then(Iterator::collect)
            .with_context(|| named(&self.chain))?;
        let first = chain.first().with_context(|| format!("{}: no certificate", named(&self.chain)))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(first)
            .with_context(|| format!("{}: not a certificate", named(&self.chain)))?;
        let ends = parsed.validity().not_after.timestamp();
        anyhow::ensure!(ends > clock.now().timestamp(), "{}: no longer valid", named(&self.chain));
        let key = PrivateKeyDer::from_pem_file(&self.key).with_context(|| named(&self.key))?;
        let pair = CertifiedKey::from_der(chain, key, &ring::default_provider());
        Ok((pair.with_context(|| format!("{}: not the key of the certificate", named(&self.key)))?, ends))
    }
}
