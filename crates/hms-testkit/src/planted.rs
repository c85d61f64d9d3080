//! What tests plant, and must see nowhere: a word in the passwords and addresses that they use.

use std::io::{self, Write};
use std::sync::Once;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The word. tests/run.sh looks for it in the output of all tests.
pub const PLANTED: &str = "planted7391";

/// Fails if the word stands in what was written.
#[track_caller]
pub fn expect_nothing_planted(written: &str) {
    expect_nowhere(PLANTED, written);
}

#[track_caller]
fn expect_nowhere(word: &str, written: &str) {
    let found: Vec<_> = written.lines().filter(|line| line.contains(word)).take(5).collect();
    assert!(found.is_empty(), "a planted secret came out:\n{}", found.join("\n"));
}

/// Looks through all that services in this process log, however much that is: a line with the word ends the test.
pub(crate) fn watch_logs() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let ours = filter_fn(|line| line.target().starts_with("hms"));
        let watch = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Watch);
        let layer = watch.with_filter(ours).with_filter(LevelFilter::DEBUG);
        // An error says that the test keeps the log itself.
        let _kept_already = tracing_subscriber::registry().with(layer).try_init();
    });
}

struct Watch;

impl Write for Watch {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if line.windows(PLANTED.len()).any(|found| found == PLANTED.as_bytes()) {
            io::stderr().write_all(line)?;
            // The thread that logs is the service's: if it panicked, nobody would look.
            std::process::abort();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // With another word: what this test prints is looked through as well.
    #[test]
    #[should_panic(expected = "a planted secret came out:\nline two with acorn in it")]
    fn the_line_is_shown() {
        expect_nowhere("acorn", "line one");
        expect_nowhere("acorn", "line one\nline two with acorn in it\nline three");
    }
}
