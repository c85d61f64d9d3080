//! Waiting for the thing itself, with a deadline.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(20);

/// Asks again and again until there is something; fails after `seconds`, saying what was waited for.
pub async fn until<T, F: AsyncFnMut() -> Option<T>>(what: &str, seconds: u64, mut ask: F) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {seconds} s in vain for {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
