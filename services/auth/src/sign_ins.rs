//! What is counted of sign-ins.

use hms_telemetry::{IntCounter, Metrics};

/// The counters of sign-ins.
pub struct SignIns {
    admitted: IntCounter,
    failed: IntCounter,
    locked_out: IntCounter,
    lockouts: IntCounter,
}

impl SignIns {
    /// Registers them.
    pub fn new(metrics: &Metrics) -> anyhow::Result<Self> {
        Ok(Self {
            admitted: metrics.counter("hms_auth_sign_ins_total", "Sign-ins that gave a session.")?,
            failed: metrics
                .counter("hms_auth_failed_attempts_total", "Passwords and codes that were wrong.")?,
            locked_out: metrics.counter(
                "hms_auth_attempts_locked_out_total",
                "Attempts that were refused unread, in a wait.",
            )?,
            lockouts: metrics.counter("hms_auth_lockouts_total", "Waits that failed attempts have begun.")?,
        })
    }

    /// Somebody is in.
    pub fn admitted(&self) {
        self.admitted.inc();
    }

    /// A password or a code was wrong.
    pub fn failed(&self) {
        self.failed.inc();
    }

    /// An attempt came in a wait.
    pub fn locked_out(&self) {
        self.locked_out.inc();
    }

    /// A wait has begun.
    pub fn lockout(&self) {
        self.lockouts.inc();
    }
}
