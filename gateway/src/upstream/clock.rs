//! The time that breakers and ejections count in: milliseconds since the first question, never backwards.

use std::sync::LazyLock;
use std::time::Instant;

/// Milliseconds.
pub type Millis = u64;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Now.
pub fn now() -> Millis {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}
