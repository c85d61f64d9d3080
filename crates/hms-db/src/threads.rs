//! The threads that units of work run on: those of the caller's runtime, or some that give way to them.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// How nice a thread that gives way is to others: it gets a tenth of what one that answers requests gets of the same core.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    Own,
    GivingWay,
}

impl Threads {
    /// Runs `work`, which blocks.
    pub(crate) fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let others = if self == Self::GivingWay { giving_way() } else { None };
        let Some(others) = others else { return tokio::task::spawn_blocking(work) };
        let caller = Handle::current();
        others.spawn_blocking(move || {
            // The other runtime has threads and nobody who drives what is spawned on it.
            let _caller = caller.enter();
            work()
        })
    }
}

/// Those of the process that give way. None where there can be none: then all are equal.
fn giving_way() -> Option<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| Builder::new_current_thread().on_thread_start(yield_to_others).build().ok())
        .as_ref()
}

/// Lowers the priority of this thread. Elsewhere than on Linux that would be the whole process.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "what can wait has the priority of everything else");
    }
}
