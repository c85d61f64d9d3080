//! The pace at which a client must send the body of its request. Only the time in which we wait for the client
//! counts: a slow service is not the client's fault.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::Sleep;

/// How slow a client may be with a body.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long a body may be behind at the most.
    pub grace: Duration,
    /// Bytes that make up for a second of waiting.
    pub bytes_per_second: u32,
}

impl Default for Pace {
    /// As Apache has it: 10 s, and 500 bytes make up for one of them.
    fn default() -> Self {
        Self { grace: Duration::from_secs(10), bytes_per_second: 500 }
    }
}

impl Pace {
    /// The body with this pace demanded, and the count of its bytes so far; none where there is no body.
    /// A client that is too slow ends it with an error of the kind `TimedOut`.
    pub fn demand(self, payload: Payload) -> (Payload, Option<Rc<Cell<u64>>>) {
        if matches!(payload, Payload::None) {
            return (payload, None);
        }
        let received = Rc::new(Cell::new(0));
        let paced = Paced {
            payload,
            pace: self,
            patience: self.grace,
            waiting: None,
            received: Rc::clone(&received),
        };
        (Payload::Stream { payload: Box::pin(paced) }, Some(received))
    }
}

struct Paced {
    payload: Payload,
    pace: Pace,
    /// How long we would wait now.
    patience: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    received: Rc<Cell<u64>>,
}

impl Stream for Paced {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Poll::Ready(next) = Pin::new(&mut this.payload).poll_next(task) {
            if let Some((since, _)) = this.waiting.take() {
                this.patience = this.patience.saturating_sub(since.elapsed());
            }
            if let Some(Ok(bytes)) = &next {
                this.count(bytes.len());
            }
            return Poll::Ready(next);
        }
        let patience = this.patience;
        let (_, alarm) =
            this.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(patience))));
        ready!(alarm.as_mut().poll(task));
        Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
    }
}

impl Paced {
    fn count(&mut self, bytes: usize) {
        self.received.set(self.received.get().saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX)));
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(1).saturating_mul(bytes) / self.pace.bytes_per_second.max(1);
        self.patience = self.patience.saturating_add(earned).min(self.pace.grace);
    }
}
