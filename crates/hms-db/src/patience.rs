//! Waiting for something that gives no sign when it is there.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(20);

/// Tries until there is an answer or `patience` is at an end; the last try counts. For blocking threads only.
#[expect(clippy::disallowed_methods, reason = "runs on a blocking thread; neither database can wake us")]
pub(crate) fn retry<T>(patience: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        let answer = attempt();
        if answer.is_some() || started.elapsed() >= patience {
            return answer;
        }
        std::thread::sleep(PAUSE);
    }
}
