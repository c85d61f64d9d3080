//! Lines of a log that is written on the way of every request, such as an access log. Writing one costs a
//! formatted line in a buffer of the thread's own; a thread of this module carries the buffers to the sink a few
//! times a second. A sink that blocks blocks nobody: what does not fit any more is dropped and counted.

use std::io::Write;
use std::mem;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::IntCounter;

/// How often the lines are carried to the sink. What a process that is killed has not written is lost.
const EVERY: Duration = Duration::from_millis(200);
/// How much one buffer holds, in bytes: some 10,000 lines.
const ROOM: usize = 4 * 1024 * 1024;

/// The way of lines to a sink; clones share it. The last one to go writes what is left.
#[derive(Clone)]
pub struct Lines(Arc<Inner>);

/// A buffer of one thread's lines.
pub struct Buffer {
    lines: Arc<Mutex<Vec<u8>>>,
    dropped: IntCounter,
    room: usize,
    // What is left is written before the last user of the sink is gone.
    _sink: Lines,
}

struct Inner {
    buffers: Mutex<Vec<Arc<Mutex<Vec<u8>>>>>,
    sink: Mutex<Sink>,
    dropped: IntCounter,
    room: usize,
}

struct Sink {
    out: Box<dyn Write + Send>,
    spare: Vec<u8>,
}

impl Lines {
    /// Lines that go to `sink`; an error says that there is no thread to carry them.
    pub fn to(sink: impl Write + Send + 'static) -> std::io::Result<Self> {
        Self::with_room(sink, ROOM)
    }

    /// The same with buffers of `room` bytes.
    pub fn with_room(sink: impl Write + Send + 'static, room: usize) -> std::io::Result<Self> {
        #[expect(clippy::expect_used, reason = "name and help are constants that Prometheus accepts")]
        let dropped = IntCounter::new("log_lines_dropped_total", "Lines that the log had no room for.")
            .expect("a well-formed counter");
        let sink = Mutex::new(Sink { out: Box::new(sink), spare: Vec::new() });
        let inner = Arc::new(Inner { buffers: Mutex::default(), sink, dropped, room });
        let watched = Arc::downgrade(&inner);
        thread::Builder::new().name("log-lines".to_owned()).spawn(move || carry(&watched))?;
        Ok(Self(inner))
    }

    /// A buffer for the thread that asks.
    pub fn buffer(&self) -> Buffer {
        let lines = Arc::new(Mutex::new(Vec::new()));
        self.0.buffers.lock().push(Arc::clone(&lines));
        Buffer { lines, dropped: self.0.dropped.clone(), room: self.0.room, _sink: self.clone() }
    }

    /// Carries all lines so far to the sink.
    pub fn flush(&self) {
        self.0.flush();
    }

    /// How many lines were dropped, as a metric.
    pub fn dropped(&self) -> IntCounter {
        self.0.dropped.clone()
    }
}

impl Buffer {
    /// Adds a line, which `write` makes without the newline; if there is no room, it is not called.
    pub fn line(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut lines = self.lines.lock();
        if lines.len() >= self.room {
            self.dropped.inc();
            return;
        }
        write(&mut lines);
        lines.push(b'\n');
    }
}

impl Inner {
    fn flush(&self) {
        let buffers: Vec<_> = {
            let mut buffers = self.buffers.lock();
            let all = buffers.clone();
            // A buffer whose thread has ended is carried a last time.
            buffers.retain(|buffer| Arc::strong_count(buffer) > 2);
            all
        };
        let mut sink = self.sink.lock();
        let Sink { out, spare } = &mut *sink;
        for buffer in buffers {
            spare.clear();
            mem::swap(spare, &mut *buffer.lock());
            if !spare.is_empty() && out.write_all(spare).and_then(|()| out.flush()).is_err() {
                // Where the log itself cannot be written, nobody can be told but the metric.
                let lost = spare.split(|&byte| byte == b'\n').count().saturating_sub(1);
                self.dropped.inc_by(u64::try_from(lost).unwrap_or(u64::MAX));
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.flush();
    }
}

fn carry(lines: &Weak<Inner>) {
    loop {
        thread::park_timeout(EVERY);
        match lines.upgrade() {
            Some(lines) => lines.flush(),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_of_all_threads_arrive_and_none_is_torn() {
        let kept = Kept::default();
        let lines = Lines::to(kept.clone()).unwrap();
        let writers = (0..4).map(|writer| {
            let buffer = lines.buffer();
            thread::spawn(move || {
                (0..1_000).for_each(|n| buffer.line(|out| write!(out, "{writer}:{n}").unwrap()));
            })
        });
        writers.collect::<Vec<_>>().into_iter().for_each(|writer| writer.join().unwrap());
        drop(lines);
        // The carrying thread may hold the last handle for a moment: it is dropped with its flush.
        while kept.0.lock().iter().filter(|&&byte| byte == b'\n').count() < 4_000 {
            thread::yield_now();
        }
        let text = String::from_utf8(kept.0.lock().clone()).unwrap();
        let mut seen: Vec<_> = text.lines().collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 4_000);
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        /// A sink that takes nothing until it is let go.
        struct Stuck(Arc<Mutex<()>>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                drop(self.0.lock());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let gate = Arc::new(Mutex::new(()));
        let held = gate.lock();
        let lines = Lines::with_room(Stuck(Arc::clone(&gate)), 100).unwrap();
        let buffer = lines.buffer();
        // At most two buffers of 10 lines get away: the one that is being written and the one that fills.
        (0..1_000).for_each(|_| buffer.line(|out| out.extend_from_slice(b"123456789")));
        assert!(lines.dropped().get() >= 980, "{}", lines.dropped().get());
        drop(held);
    }
}
