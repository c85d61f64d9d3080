//! The body of an answer on its way to the client: passed on as it comes, never held.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::body::BodySize;
use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::pool::Lease;
use super::tunnel::Tunnel;
use super::{Slot, Using};

/// Why the body of an answer breaks off.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// The connection to the service broke.
    #[error("the connection to the service broke")]
    Broken(#[from] hyper::Error),
    /// A WebSocket broke.
    #[error("the connection to the service broke")]
    Tunnel(#[from] std::io::Error),
    /// The service was silent for too long, or took too long in all.
    #[error("the answer of the service did not come in time")]
    Slow,
}

/// What a service sends to a client. What was taken for it is free again when this is dropped.
pub struct Download {
    source: Source,
    size: BodySize,
    watch: Watch,
    /// What broke it off, until what came before is on its way to the client.
    broken: Option<Interrupted>,
    _slot: Slot,
    _using: Using,
}

enum Source {
    /// The connection goes back to the pool at the end; a body that is given up before takes it with it.
    Body {
        incoming: Incoming,
        lease: Option<Lease>,
    },
    Tunnel(Tunnel),
}

/// How long an answer may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between two parts of it.
    pub idle: Duration,
    /// In all, if there is a bound.
    pub until: Option<Instant>,
}

/// Watches over the time. A timer is made only when there is something to wait for.
struct Watch {
    patience: Patience,
    timer: Option<Pin<Box<Sleep>>>,
    moved: bool,
    draining: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// What a watch saw.
enum Seen {
    Nothing,
    TooLate,
    Drain,
}

impl Download {
    /// The body of an answer with this Content-Length, if it has one.
    pub(super) fn body(
        incoming: Incoming,
        lease: Lease,
        length: Option<u64>,
        patience: Patience,
        taken: (Slot, Using),
    ) -> Self {
        let ended = incoming.is_end_stream();
        let size = match length {
            // An answer to HEAD has a length and no body.
            Some(length) => BodySize::Sized(length),
            None if ended => BodySize::None,
            None => BodySize::Stream,
        };
        let source = Source::Body { incoming, lease: Some(lease) };
        let mut download = Self::new(source, size, patience, taken);
        if ended {
            download.end();
        }
        download
    }

    /// What comes through a tunnel.
    pub(super) fn tunnel(tunnel: Tunnel, patience: Patience, taken: (Slot, Using)) -> Self {
        Self::new(Source::Tunnel(tunnel), BodySize::Stream, patience, taken)
    }

    fn new(source: Source, size: BodySize, patience: Patience, (slot, using): (Slot, Using)) -> Self {
        let watch = Watch { patience, timer: None, moved: true, draining: None };
        Self { source, size, watch, broken: None, _slot: slot, _using: using }
    }

    /// Ends it, between two parts, when this comes.
    pub(super) fn ending_at(mut self, draining: WaitForCancellationFutureOwned) -> Self {
        self.watch.draining = Some(Box::pin(draining));
        self
    }

    /// How long it is.
    pub fn size(&self) -> BodySize {
        self.size
    }

    /// The next part of it. Trailers are not passed on.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Interrupted>>> {
        if let Some(broken) = self.broken.take() {
            return Poll::Ready(Some(Err(broken)));
        }
        let next = match &mut self.source {
            Source::Body { .. } => self.poll_body(context).map_err(Interrupted::from),
            Source::Tunnel(tunnel) => tunnel.poll_next(context).map_err(Interrupted::from),
        };
        if let Poll::Ready(Some(Err(broken))) = next {
            // It may have come together with the head, and actix throws away what it has not written yet.
            self.broken = Some(broken);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if next.is_ready() {
            self.watch.moved = true;
            return next;
        }
        if let Source::Tunnel(tunnel) = &self.source
            && tunnel.has_moved()
        {
            self.watch.moved = true;
        }
        match self.watch.poll(context) {
            Seen::Nothing => Poll::Pending,
            Seen::TooLate => Poll::Ready(Some(Err(Interrupted::Slow))),
            Seen::Drain => match &mut self.source {
                Source::Body { .. } => Poll::Ready(None),
                Source::Tunnel(tunnel) => {
                    tunnel.go_away();
                    tunnel.poll_next(context).map_err(Interrupted::from)
                }
            },
        }
    }

    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        loop {
            let Source::Body { incoming, lease: Some(lease) } = &mut self.source else {
                return Poll::Ready(None);
            };
            let frame = ready!(lease.poll_frame(incoming, context));
            let ended = frame.is_none() || incoming.is_end_stream();
            if ended {
                self.end();
            }
            match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }

    fn end(&mut self) {
        if let Source::Body { lease, .. } = &mut self.source
            && let Some(lease) = lease.take()
        {
            lease.give_back();
        }
    }
}

impl Watch {
    fn poll(&mut self, context: &mut Context<'_>) -> Seen {
        if let Some(draining) = &mut self.draining
            && draining.as_mut().poll(context).is_ready()
        {
            self.draining = None;
            return Seen::Drain;
        }
        let due = |patience: &Patience| {
            let idle = Instant::now() + patience.idle;
            patience.until.map_or(idle, |until| until.min(idle)).into()
        };
        let timer = match &mut self.timer {
            Some(timer) => {
                if self.moved {
                    timer.as_mut().reset(due(&self.patience));
                }
                timer
            }
            None => self.timer.insert(Box::pin(sleep_until(due(&self.patience)))),
        };
        self.moved = false;
        if timer.as_mut().poll(context).is_ready() { Seen::TooLate } else { Seen::Nothing }
    }
}
